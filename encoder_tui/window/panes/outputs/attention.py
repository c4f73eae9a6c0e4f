"""The attentions of one layer and head: which token attends to which, and what a local layer masks."""

from __future__ import annotations

from textual.content import Content

from encoder_tui.core.models.architectures import reach_of
from encoder_tui.core.outputs.slices import pairs_out_of_sight
from encoder_tui.core.text.numbers import statistic
from encoder_tui.core.text.safe import visible_piece
from encoder_tui.window.panes.outputs.matrix_views import HeatmapView, span_words
from encoder_tui.window.panes.outputs.view import ChosenOutput
from encoder_tui.window.theme import QUIET
from encoder_tui.window.widgets.heat_colours import POSITIVE
from encoder_tui.window.widgets.matrix import Matrix


class AttentionView(HeatmapView):
    """Queries by keys."""

    def choices(self) -> list[int]:
        rows = self.state.rows()
        return [place for place, chosen in enumerate(rows) if len(chosen.output.shape) == 4]

    def nothing(self) -> Content:
        return Content.assemble(
            (" a", "bold"),
            "  runs the models with the attentions of all layers. Only eager attention returns them, so the models\n",
            "    then run with it; ",
            ("] [", "bold"),
            " select the layer, ",
            (". ,", "bold"),
            " the head.",
        )

    def layer_index(self, chosen: ChosenOutput) -> int:
        """Return the number of the layer, from 0."""
        return int(chosen.output.name.rpartition(".")[2] or 0)

    def reach(self, chosen: ChosenOutput) -> int | None:
        """Return how many tokens the layer sees on either side; None if it sees all."""
        files = chosen.run.files
        return None if files is None else reach_of(files.config, self.layer_index(chosen))

    def open(self, chosen: ChosenOutput, matrix: Matrix) -> None:
        output, reach = chosen.output, self.reach(chosen)

        def is_outside(query: int, key: int) -> bool:
            return reach is not None and abs(query - key) > reach

        # Nearly all attentions are near zero; a square-root scale makes them distinguishable.
        rows, columns = output.shape[-2:]
        matrix.open(rows, columns, lambda row: self.row_label(chosen, row), output.max or 1.0, 0.5, is_outside)

    def where(self, chosen: ChosenOutput, rows: range, columns: range) -> Content:
        query, key = (visible_piece(self.token(chosen, span.start)) for span in (rows, columns))
        return Content(f"query {span_words(rows)} {query} → key {span_words(columns)} {key}")

    def colours(self, matrix: Matrix) -> list[Content | tuple[str, str]]:
        limit = statistic(matrix.full_colour, 2)
        root = ", square-root colour scale" if self.is_wide else ", √ scale"
        return [("   0 ", QUIET), ("██", POSITIVE.hex), (f" {limit}{root}", QUIET)]

    def summary(self) -> str:
        chosen = self.chosen()
        if chosen is None:
            return ""
        tokens, reach = chosen.output.shape[-1], self.reach(chosen)
        which = f"{chosen.letter}'s layer {self.layer_index(chosen)}"
        if reach is None:
            return f"{which} is global: each of {tokens:,} tokens sees all of them"
        hidden = pairs_out_of_sight(tokens, reach)
        return (
            f"{which} is local: a token sees {reach:,} tokens on either side, so {hidden / tokens**2:.0%}"
            f" of {tokens**2:,} pairs are out of sight"
        ).replace("%", " %")
