"""FBNet."""

from zoo.weights.key_map import KeyMap
from zoo.weights.key_maps.mobilenet import TIMM_ENDS, TIMM_INVERTED

KEY_MAPS = {"fbnetc_100": {"timm": KeyMap((*TIMM_INVERTED, *TIMM_ENDS))}}
