"""Worked stories: what people do in a chat, and beside each test what a bookkeeper finds in the books after it."""

import pytest

pytest.register_assert_rewrite("tests.stories.story", "tests.stories.reports")
