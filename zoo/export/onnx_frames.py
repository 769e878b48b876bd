"""Frames of any size to the image size of a network, as nodes of ONNX before its graph: what `frames` does in JAX.

Only operators that every runtime has: products with matrices, which are computed from the size of the frame. ONNX's own
Resize rounds otherwise than PIL.
"""

import onnx
from onnx import helper, parser

from zoo.data import Preprocessing
from zoo.export.frames import CUBIC, scaled_size

PREFIX, FITTED = "frames", "fitted"
# [new rows, new columns] and where the target begins in these, from `sides`, which are those of the frame.
SQUASH = """
    new = Constant <value_ints = [TALL, WIDE]> ()
"""
COVER_SQUARE = """
    covered = Constant <value_ints = [TALL, WIDE]> ()
    short = ReduceMin <keepdims = 0> (sides)
    larger = Mul (sides, covered)
    new = Div (larger, short)
"""
COVER = """
    covered = Constant <value_ints = [TALL, WIDE]> ()
    covered_float = Cast <to = 1> (covered)
    ratios = Div (sides_float, covered_float)
    ratio = ReduceMin <keepdims = 0> (ratios)
    exact = Div (sides_float, ratio)
    rounded = Round (exact)
    new = Cast <to = 7> (rounded)
"""
START_OF_CENTRE = """
    rest = Sub (new, target)
    rest_float = Cast <to = 1> (rest)
    half_rest = Mul (rest_float, half)
    rounded_half = Round (half_rest)
    start = Cast <to = 7> (rounded_half)
"""
PAD = """
    target_float = Cast <to = 1> (target)
    ratios = Div (target_float, sides_float)
    ratio = ReduceMin <keepdims = 0> (ratios)
    shrinking = Min (ratio, one)
    exact = Mul (sides_float, shrinking)
    rounded = Round (exact)
    whole = Cast <to = 7> (rounded)
    one_int = Constant <value_int = 1> ()
    new = Max (whole, one_int)
    rest = Sub (target, new)
    two_int = Constant <value_int = 2> ()
    border = Div (rest, two_int)
    start = Neg (border)
"""
# The matrix of an axis: [pixels of the target, pixels of the frame].
MATRIX = """
    AXIS_number = Constant <value_int = NUMBER> ()
    AXIS_old = Gather (sides, AXIS_number)
    AXIS_new = Gather (new, AXIS_number)
    AXIS_start = Gather (start, AXIS_number)
    AXIS_old_float = Cast <to = 1> (AXIS_old)
    AXIS_new_float = Cast <to = 1> (AXIS_new)
    AXIS_scale = Div (AXIS_old_float, AXIS_new_float)
    AXIS_reach = Max (AXIS_scale, one)
    AXIS_zero = Constant <value_int = 0> ()
    AXIS_step = Constant <value_int = 1> ()
    AXIS_count = Constant <value_int = COUNT> ()
    AXIS_numbers = Range (AXIS_zero, AXIS_count, AXIS_step)
    AXIS_flat = Add (AXIS_numbers, AXIS_start)
    AXIS_axis = Constant <value_ints = [1]> ()
    AXIS_position = Unsqueeze (AXIS_flat, AXIS_axis)
    AXIS_position_float = Cast <to = 1> (AXIS_position)
    AXIS_middle = Add (AXIS_position_float, half)
    AXIS_centre = Mul (AXIS_middle, AXIS_scale)
    AXIS_pixels = Range (AXIS_zero, AXIS_old, AXIS_step)
    AXIS_pixels_float = Cast <to = 1> (AXIS_pixels)
    AXIS_pixel_middles = Add (AXIS_pixels_float, half)
    AXIS_difference = Sub (AXIS_pixel_middles, AXIS_centre)
    AXIS_absolute = Abs (AXIS_difference)
    AXIS_distance = Div (AXIS_absolute, AXIS_reach)
    FILTER
    AXIS_sum = ReduceSum <keepdims = 1> (AXIS_values, AXIS_axis)
    AXIS_parts = Div (AXIS_values, AXIS_sum)
    AXIS_after = GreaterOrEqual (AXIS_position, AXIS_zero)
    AXIS_before = Less (AXIS_position, AXIS_new)
    AXIS_inside = And (AXIS_after, AXIS_before)
    AXIS_weights = Where (AXIS_inside, AXIS_parts, zero)
"""
BILINEAR = """
    AXIS_triangle = Sub (one, AXIS_distance)
    AXIS_values = Max (AXIS_triangle, zero)
"""
BICUBIC = f"""
    AXIS_square = Mul (AXIS_distance, AXIS_distance)
    AXIS_a2 = Constant <value_float = {CUBIC + 2}> ()
    AXIS_a3 = Constant <value_float = {CUBIC + 3}> ()
    AXIS_near1 = Mul (AXIS_a2, AXIS_distance)
    AXIS_near2 = Sub (AXIS_near1, AXIS_a3)
    AXIS_near3 = Mul (AXIS_near2, AXIS_square)
    AXIS_near = Add (AXIS_near3, one)
    AXIS_a = Constant <value_float = {CUBIC}> ()
    AXIS_five = Constant <value_float = 5.0> ()
    AXIS_eight = Constant <value_float = 8.0> ()
    AXIS_four = Constant <value_float = 4.0> ()
    AXIS_two = Constant <value_float = 2.0> ()
    AXIS_far1 = Sub (AXIS_distance, AXIS_five)
    AXIS_far2 = Mul (AXIS_far1, AXIS_distance)
    AXIS_far3 = Add (AXIS_far2, AXIS_eight)
    AXIS_far4 = Mul (AXIS_far3, AXIS_distance)
    AXIS_far5 = Sub (AXIS_far4, AXIS_four)
    AXIS_far6 = Mul (AXIS_a, AXIS_far5)
    AXIS_is_far = Less (AXIS_distance, AXIS_two)
    AXIS_far = Where (AXIS_is_far, AXIS_far6, zero)
    AXIS_is_near = Less (AXIS_distance, one)
    AXIS_values = Where (AXIS_is_near, AXIS_near, AXIS_far)
"""
# Whole numbers after each sum, as PIL has them.
WHOLE = """
    AXIS_added = Add (AXIS_product, half)
    AXIS_floor = Floor (AXIS_added)
    AXIS_whole = Clip (AXIS_floor, zero, most)
"""


def with_frames(model: onnx.ModelProto, preprocessing: Preprocessing) -> onnx.ModelProto:
    """A model that takes frames of any height and width, from one that takes uint8 pixels of `image_shape`."""
    (images,) = model.graph.input
    front = parser.parse_model(_front(preprocessing, model.opset_import[0].version))
    nodes = [_renamed(node, images.name) for node in front.graph.node]
    for node in model.graph.node:
        node.input[:] = [f"{PREFIX}/{FITTED}" if name == images.name else name for name in node.input]
    nodes += model.graph.node
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for axis, name in enumerate(("height", "width"), start=1):
        images.type.tensor_type.shape.dim[axis].Clear()
        images.type.tensor_type.shape.dim[axis].dim_param = name
    return model


def _front(preprocessing: Preprocessing, opset: int) -> str:
    height, width, _ = preprocessing.image_shape
    return f"""
    <ir_version: 10, opset_import: ["" : {opset}]>
    front (uint8[batch, height, width, channels] images) => (uint8[batch, rows, columns, channels] {FITTED}) {{
    zero = Constant <value_float = 0.0> ()
    half = Constant <value_float = 0.5> ()
    one = Constant <value_float = 1.0> ()
    most = Constant <value_float = 255.0> ()
    target = Constant <value_ints = [{height}, {width}]> ()
    sides = Shape <start = 1, end = 3> (images)
    sides_float = Cast <to = 1> (sides)
    {_size_and_start(preprocessing)}
    {_matrix("down", 0, height, preprocessing.interpolation)}
    {_matrix("across", 1, width, preprocessing.interpolation)}
    values = Cast <to = 1> (images)
    channels_first = Transpose <perm = [0, 3, 1, 2]> (values)
    across_columns = Transpose <perm = [1, 0]> (across_weights)
    across_product = MatMul (channels_first, across_columns)
    {WHOLE.replace("AXIS", "across")}
    down_product = MatMul (down_weights, across_whole)
    {WHOLE.replace("AXIS", "down")}
    channels_last = Transpose <perm = [0, 2, 3, 1]> (down_whole)
    {FITTED} = Cast <to = 2> (channels_last)
    }}"""


def _size_and_start(preprocessing: Preprocessing) -> str:
    if preprocessing.fit == "pad":
        return PAD
    tall, wide = scaled_size(preprocessing)
    cover = COVER_SQUARE if tall == wide else COVER
    size = SQUASH if preprocessing.fit == "squash" else cover
    return size.replace("TALL", str(tall)).replace("WIDE", str(wide)) + START_OF_CENTRE


def _matrix(axis: str, number: int, count: int, interpolation: str) -> str:
    values = {"bilinear": BILINEAR, "bicubic": BICUBIC}[interpolation]
    text = MATRIX.replace("FILTER", values).replace("NUMBER", str(number)).replace("COUNT", str(count))
    return text.replace("AXIS", axis)


def _renamed(node: onnx.NodeProto, images: str) -> onnx.NodeProto:
    inputs = [images if name == "images" else f"{PREFIX}/{name}" for name in node.input]
    (output,) = (f"{PREFIX}/{name}" for name in node.output)
    renamed = helper.make_node(node.op_type, inputs, [output], output)
    renamed.attribute.extend(node.attribute)
    return renamed
