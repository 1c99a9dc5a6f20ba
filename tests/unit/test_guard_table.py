"""What the guards cost and save is counted from the events of the same days with and without them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from tradebot.app.guard_table import row_of


def test_a_case_is_summed_up_from_its_events(tmp_path: Path) -> None:
    events = [
        ("ORDER_INTENT", {"side": "buy", "order_id": "1"}),
        ("ORDER_INTENT", {"side": "buy", "order_id": "2"}),
        ("ORDER_INTENT", {"side": "sell", "order_id": "3"}),
        ("ORDER_FILLED", {"side": "buy", "order_id": "1"}),
        ("ENTRY_SLIPPAGE", {"order_id": "1", "slippage_bps": 90}),
        ("ENTRY_SLIPPAGE", {"order_id": "1", "slippage_bps": 12}),
        ("ENTRY_SLIPPAGE", {"order_id": "2", "slippage_bps": -3}),
        ("GUARD_BLOCK", {"guard": "depth", "block_reason": "THIN_DEPTH"}),
        ("GUARD_BLOCK", {"guard": "risk", "block_reason": "RISK_LIMIT_MIN_CASH"}),
        ("POSITION_CLOSED", {"realised_pnl": 100.5}),
        ("POSITION_CLOSED", {"realised_pnl": -40}),
    ]
    lines = [json.dumps({"event": name, "fields": fields}) for name, fields in events]
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + "\n")

    row = row_of("all on", tmp_path)

    assert (row.placed, row.filled, row.closed) == (2, 1, 2)
    assert row.slippage_bps == Decimal("4.50"), "of each order the last figure"
    assert row.realised_pnl == Decimal("60.50")
    assert row.blocked == {"THIN_DEPTH": 1}
