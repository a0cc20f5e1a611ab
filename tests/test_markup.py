r"""Users' text is never markup: neither ``<b>`` in a page nor ``$\frac$`` in a picture."""

import pytest
from matplotlib.figure import Figure

from fashion_zoo.show import pages

NAME = r"<b>$\frac$"
SHOWN = r"&lt;b&gt;$\frac$"


@pytest.mark.parametrize(
    "made",
    [
        pages.table([NAME], [[NAME]]),
        pages.facts([(NAME, NAME)]),
        pages.paragraph(NAME),
        pages.warning(NAME),
        pages.page(NAME, [(NAME, "")]),
    ],
)
def test_a_page_shows_text_as_it_is(made):
    assert SHOWN in made
    assert NAME not in made


def test_a_picture_shows_text_as_it_is():
    def make():
        figure = Figure()
        axes = figure.add_subplot(title=NAME, xlabel=NAME)
        axes.plot([1, 2], label=NAME)
        axes.set_xticks([0, 1], [NAME, NAME])
        axes.legend(title=NAME)
        return figure

    assert "left out" not in pages.picture(make, NAME)
    assert SHOWN in pages.picture(make, NAME)
