"""The lesson as a page that computes: questions that check answers, animations, and a trained network to draw for."""

from zoo.lesson.page import LANGUAGES, lesson, write_lesson

__all__ = ["LANGUAGES", "lesson", "write_lesson"]
