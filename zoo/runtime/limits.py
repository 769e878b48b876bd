"""The numbers that users give, with the range of each: declared once, for the command line and for Python.

The upper ends are far beyond what is of use, and below where a type overflows.
"""

from zoo.runtime.number_range import NumberRange

# JAX counts steps with 32 bits.
MAX_COUNT = 2**31 - 1
MAX_BATCH_SIZE = 2**20
MAX_IMAGE_SIZE = 2**14

COUNT = NumberRange(minimum=0, maximum=MAX_COUNT)
POSITIVE_COUNT = NumberRange(minimum=1, maximum=MAX_COUNT)
BATCH_SIZE = NumberRange(minimum=1, maximum=MAX_BATCH_SIZE)
# Of an image that is counted only: nothing of it is allocated.
COUNTED_SIDE = NumberRange(minimum=1, maximum=10**6)
CLASSES = NumberRange(minimum=0, maximum=10**7)
DEPTH = NumberRange(minimum=0, maximum=1000)
TOP = NumberRange(minimum=1, maximum=10**7)
# Steps of an optimisation or an integral, samples of a mean.
ITERATIONS = NumberRange(minimum=1, maximum=10**6)
PIXELS = NumberRange(minimum=0, maximum=MAX_IMAGE_SIZE, whole=False)
# Of noise, as a fraction of the range of an image.
DEVIATION = NumberRange(minimum=0, maximum=1000, whole=False)
DPI = NumberRange(minimum=20, maximum=600)
# Of a measurement.
SECONDS = NumberRange(minimum=0.001, maximum=10**6, whole=False)
SEED = NumberRange(minimum=0, maximum=2**32 - 1)
PORT = NumberRange(minimum=1, maximum=2**16 - 1)
PROCESSES = NumberRange(minimum=1, maximum=2**16)
PROCESS = NumberRange(minimum=0, maximum=2**16 - 1)
PERCENT = NumberRange(minimum=1, maximum=100, whole=False)
PIXELS_OF_SIDE = NumberRange(minimum=1, maximum=MAX_IMAGE_SIZE)
YEAR = NumberRange(minimum=1900, maximum=2100)
