"""`main.py notify test`: whether the channels that the configuration names take a message."""

from __future__ import annotations

import argparse
import os

from config.loading import load_settings
from tradebot.adapters.notify.channel import ChannelFailed
from tradebot.app.configuration import notification_channels
from tradebot.cli.exit_codes import ExitCode


def test_channels(options: argparse.Namespace) -> int:
    """One message over each; CONFIGURATION when one does not take it, or there is none. The switch does not matter."""
    settings = load_settings(options.config.absolute().parent, os.environ)
    channels = notification_channels(settings)
    if not channels:
        print("NOTIFY_URLS is empty: there is nobody to tell")
        return ExitCode.CONFIGURATION
    failed = 0
    for channel in channels:
        try:
            channel.send("tradebot: a test", "This channel takes messages.")
        except ChannelFailed as problem:
            failed += 1
            print(f"{channel.name}: not taken: {problem}")
        else:
            print(f"{channel.name}: taken")
    return ExitCode.CONFIGURATION if failed else ExitCode.OK
