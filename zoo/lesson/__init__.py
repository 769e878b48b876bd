"""The lesson as a page that computes: questions that check answers, animations, a network that classifies drawings."""

from zoo.lesson.page import LANGUAGES, lesson, write_lesson

__all__ = ["LANGUAGES", "lesson", "write_lesson"]
