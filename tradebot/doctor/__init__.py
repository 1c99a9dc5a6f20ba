"""The doctor: looks at everything a home is made of, changes nothing, and says what is wrong and how it is mended."""

from tradebot.doctor.examine import examine
from tradebot.doctor.place import Place

__all__ = ["Place", "examine"]
