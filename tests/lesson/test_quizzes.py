"""The lesson's questions have the lesson's answers, and other sizes those of counting by hand."""

import pytest

from zoo.lesson.quizzes import answer, lesson_quizzes

# As the lesson gives them.
ANSWERS = {
    "grid": "3x3",
    "convolution": "14x14x20",
    "same": "16x16x20",
    "valid": "13x13x20",
    "unshared": "756560",
    "shared": "3860",
    "layer": "5x5x64",
    "pool": "2x2x5",
    "max_pool": "2.5, 10, 15, 6",
    "mean_pool": "1.375, 0.875, 5, 4",
    "direct": "160563200",
    "bottleneck": "43352064",
}


def test_answers_are_the_lesson_s():
    assert {name: quiz.answer for name, quiz in lesson_quizzes().items()} == ANSWERS


def test_the_way_to_an_answer_ends_with_it():
    for name, quiz in lesson_quizzes().items():
        numbers = quiz.answer.replace("x", ",").split(",")
        assert all(number.strip() in quiz.worked for number in numbers), name


@pytest.mark.parametrize("size, kernel, stride, padding", [(7, 3, 1, 0), (10, 4, 3, 1), (9, 9, 2, 0), (6, 2, 5, 3)])
def test_other_sizes_by_counting_places(size, kernel, stride, padding):
    places = len(range(-padding, size + padding - kernel + 1, stride))
    sizes = {"size": size, "depth": 2, "filters": 5, "kernel": kernel, "stride": stride, "padding": padding}
    assert answer("conv_shape", sizes) == f"{places}x{places}x5"
    assert answer("parameters_unshared", sizes) == str((kernel * kernel * 2 + 1) * places * places * 5)
