"""The operator's settings: every key by section, frozen, and what follows from them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote

from pydantic import Field, PrivateAttr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from config.broker import Broker
from config.flags import MASTER, Flags
from config.http import Http
from config.keys import Catalogue
from config.kinds import from_text, in_file, plain
from config.layers import Given, Layer
from config.notifying import Notifications
from config.problems import ConfigError, Problem
from config.running import Logs, Replay, Run, StrategyList, Times
from config.screen import Screen
from config.trading import Exits, Guards, Orders, Risk
from config.watching import Alerts, Calls, Telemetry
from tradebot.domain.addresses import secret_parts
from tradebot.domain.expectations import Patience
from tradebot.domain.manual import ManualRules, parse_policies
from tradebot.domain.policy import DayTimes, ExitRules, FlowFlags, GuardMode, Policy, QuoteLimits, RiskLimits

DEFAULT = "default"


class Effective(NamedTuple):
    """The value that counts, as JSON can carry it and without secrets, and where it comes from."""

    value: object
    origin: str


class Settings(BaseSettings):
    """All keys, by section; made by `config.loading.load_settings`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid")

    run: Run = Field(default_factory=Run)
    screen: Screen = Field(default_factory=Screen)
    replay: Replay = Field(default_factory=Replay)
    broker: Broker = Field(default_factory=Broker)
    strategies: StrategyList = Field(default_factory=StrategyList)
    flags: Flags = Field(default_factory=Flags)
    risk: Risk = Field(default_factory=Risk)
    guards: Guards = Field(default_factory=Guards)
    exits: Exits = Field(default_factory=Exits)
    orders: Orders = Field(default_factory=Orders)
    calls: Calls = Field(default_factory=Calls)
    telemetry: Telemetry = Field(default_factory=Telemetry)
    alerts: Alerts = Field(default_factory=Alerts)
    times: Times = Field(default_factory=Times)
    logs: Logs = Field(default_factory=Logs)
    http: Http = Field(default_factory=Http)
    notifications: Notifications = Field(default_factory=Notifications)

    _origins: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def of(cls, layers: list[Layer]) -> Settings:
        """The highest layer that gives a key decides; nobody: its default."""
        sources: dict[str, Any] = {"layers": layers}
        settings = cls(**sources)
        winners = {name: given.origin for layer in reversed(layers) for name, given in layer.items()}
        settings._origins = MappingProxyType({key.name: winners.get(key.name, DEFAULT) for key in KEYS})
        return settings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (the process's own environment is never read here)
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        assert isinstance(init_settings, InitSettingsSource)
        return tuple(_LayerSource(settings_cls, layer) for layer in init_settings.init_kwargs.get("layers", ()))

    @property
    def origins(self) -> Mapping[str, str]:
        """By key: "default", "config/tradebot.toml:12", ".env", "environment" or "command line"."""
        return self._origins

    def value(self, name: str) -> Any:
        """A key's value by the key's name. Raises KeyError for a name that is no key."""
        key = KEYS.by_name[name]
        return getattr(getattr(self, key.section), key.attribute)

    def in_force(self, name: str) -> Any:
        """The value that counts: of a switch under the master, what it says AND what the master says."""
        if not KEYS.by_name[name].under_master or self.flags.enable_order_flow_hardening:
            return self.value(name)
        return GuardMode.OFF if isinstance(self.value(name), GuardMode) else False

    def effective(self) -> dict[str, Effective]:
        """Every key in the order of the file, with what counts and where it comes from (the master's name, where the
        master decides); secrets are masked."""
        values = {key.name: plain(self.in_force(key.name)) for key in KEYS}
        values |= {key.name: key.masked(str(values[key.name])) for key in KEYS if key.is_secret}
        return {name: Effective(value=value, origin=self._origin(name)) for name, value in values.items()}

    def _origin(self, name: str) -> str:
        return self.origins[name] if self.in_force(name) == self.value(name) else MASTER

    def in_words(self) -> dict[str, str]:
        """Every key but the secret ones as it would stand in the file; `of_words` is the way back."""
        return {key.name: in_file(self.value(key.name)) for key in KEYS if not key.is_secret}

    @classmethod
    def of_words(cls, words: Mapping[str, str]) -> Settings:
        """From keys in the words of the file; one that is no key (any more) is left out. Raises ConfigError."""
        problems, layer = [], {}
        for key in (KEYS.by_name[name] for name in words if name in KEYS.by_name):
            try:
                value = key.read(from_text(words[key.name]))
            except ValueError:
                text = f"must be {key.allowed}"
                problems.append(Problem(place="the given words", key=key.name, value=words[key.name], text=text))
            else:
                layer[key.name] = Given(value=value, origin=DEFAULT, place=DEFAULT)
        if problems:
            raise ConfigError(problems)
        return cls.of([layer])

    def hash(self) -> str:
        """SHA-256 of all effective values, not of where they come from; a password makes no difference."""
        texts = {key.name: in_file(self.in_force(key.name)) for key in KEYS}
        texts |= {key.name: key.masked(texts[key.name]) for key in KEYS if key.is_secret}
        return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()

    def secrets(self) -> tuple[str, ...]:
        """The passwords in all values, as they are written there and as they are meant."""
        written = [word for key in KEYS for word in key.secrets_in(str(self.value(key.name)))]
        written += [word for url in self.notifications.addresses for word in secret_parts(url)]
        return tuple(dict.fromkeys(form for word in written for form in (word, unquote(word))))

    def policy(self) -> Policy:
        """The values that decisions see."""
        return Policy(
            account_id=self.run.account_id,
            user_id=self.run.user_id,
            capital_per_trade=self.risk.capital_per_trade,
            amo_limit_pct=self.orders.amo_limit_pct,
            cooldown=timedelta(minutes=self.risk.cooldown_min),
            off_hours=self.orders.off_hours_policy,
            volume_pct_max=self.risk.max_volume_pct,
            unknown=self.orders.unknown_policy,
            manual=ManualRules(
                default=self.orders.manual_policy, by_symbol=parse_policies(self.orders.manual_policy_of)
            ),
            looks_before_expiry=self.orders.unknown_looks,
            risk=_risk_limits(self.risk),
            flags=_flow_flags(self),
            quotes=_quote_limits(self),
            exits=_exit_rules(self),
            times=_day_times(self.times, self.orders),
            registry_keep=timedelta(days=self.orders.registry_keep_days),
        )


class _LayerSource(PydanticBaseSettingsSource):
    """One layer as pydantic-settings merges it: values by section and key."""

    def __init__(self, settings_cls: type[BaseSettings], layer: Layer) -> None:
        super().__init__(settings_cls)
        self._layer = layer

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        values = {
            KEYS.by_name[name].in_file: given.value
            for name, given in self._layer.items()
            if KEYS.by_name[name].section == field_name
        }
        return values, field_name, True

    def __call__(self) -> dict[str, Any]:
        fields = self.settings_cls.model_fields
        return {name: self.get_field_value(field, name)[0] for name, field in fields.items()}


KEYS = Catalogue.of(Settings.model_fields)


def _risk_limits(risk: Risk) -> RiskLimits:
    return RiskLimits(
        positions_max=risk.max_positions,
        exposure_pct_max=risk.max_exposure_pct,
        symbol_exposure_pct_max=risk.max_symbol_exposure_pct,
        daily_drawdown_pct_max=risk.max_daily_drawdown_pct,
        trades_per_day_max=risk.max_trades_per_day,
        cash_reserve_min=risk.min_cash_reserve,
        order_notional_max=risk.max_order_notional,
        orders_open_max=risk.max_open_orders,
        gross_per_day_max=risk.max_gross_per_day,
        rejects_in_a_row_max=risk.max_rejects_in_a_row,
    )


def _flow_flags(settings: Settings) -> FlowFlags:
    return FlowFlags(
        master=settings.flags.enable_order_flow_hardening,
        coids=settings.in_force("ENABLE_COID_MANAGER"),
        startup_reconcile=settings.in_force("ENABLE_STARTUP_RECONCILE"),
        symbol_locks=settings.in_force("ENABLE_SYMBOL_LOCKS"),
        consolidated_guards=settings.in_force("ENABLE_CONSOLIDATED_ENTRY_GUARDS"),
        consolidated_exits=settings.in_force("ENABLE_CONSOLIDATED_EXITS"),
        observe_only=settings.flags.observe_only,
        is_unsafe_live_forced=settings.flags.force_unsafe_live,
    )


def _quote_limits(settings: Settings) -> QuoteLimits:
    guards: Guards = settings.guards
    return QuoteLimits(
        spread=settings.in_force("ENABLE_SPREAD_GUARD_ENTRY"),
        spread_bps_max=guards.max_spread_bps_entry,
        depth=settings.in_force("ENABLE_DEPTH_GUARD_ENTRY"),
        depth_notional_min=guards.depth_min_notional,
        slippage=settings.in_force("ENABLE_ENTRY_SLIPPAGE_GUARD"),
        slippage_bps_max=guards.max_slippage_bps_entry,
        age_s_max=Decimal(guards.max_quote_age_s),
    )


def _exit_rules(settings: Settings) -> ExitRules:
    exits: Exits = settings.exits
    return ExitRules(
        use_stop=exits.enable_stop_loss,
        atr_multiple=exits.stop_loss_atr_multiple,
        stop_floor_pct=exits.stop_loss_pct,
        use_trailing=exits.enable_trailing_stop,
        trail_arm_pct=exits.trailing_arm_pct,
        trail_giveback_pct=exits.trailing_giveback_pct,
        ttl=timedelta(minutes=exits.trade_ttl_min),
        ttl_applies_to_delivery=exits.ttl_applies_to_delivery,
        ttl_from_first_fill=settings.in_force("USE_FIRST_FILL_TS_FOR_TTL"),
        slippage_bps_max=exits.max_slippage_bps_exit,
    )


def _day_times(times: Times, orders: Orders) -> DayTimes:
    return DayTimes(
        amo_placement=times.amo_placement_at,
        end_of_day=times.end_of_day_at,
        end_of_day_after_close=timedelta(minutes=times.end_of_day_after_close_min),
        cycle_minutes=times.cycle_min,
        verify_after=timedelta(seconds=orders.verify_after_s),
        expiry=times.retry_expires_at,
        retry=times.retry_at,
        retry_until=times.retry_until,
        patience=Patience(
            acknowledged=timedelta(seconds=times.acknowledged_within_s),
            released=timedelta(minutes=times.released_within_min),
            final=timedelta(minutes=times.final_within_min),
        ),
    )
