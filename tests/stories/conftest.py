"""What the stories share: each is told on books of its own, so that its entries have the same numbers every time."""

import pytest

from tests.harness import Client
from tests.stories.story import Story


@pytest.fixture
def story(request: pytest.FixtureRequest, client: Client) -> Story:
    """The story of this module: its docstring begins it, and `dinner.txt` beside `test_dinner.py` is how it is kept."""
    name = request.path.stem.removeprefix("test_")
    return Story(client, request.path.with_name(f"{name}.txt"), request.module.__doc__)
