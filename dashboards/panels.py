"""The kinds of panel in use, each with what is the same wherever it stands.

Rule of this file: it knows Grafana and nothing of the prober.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from grafana_foundation_sdk.builders import common as parts
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, statetimeline, statushistory, table, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor, ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Panel,
    RangeMap,
    RegexMap,
    SpecialValueMap,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
GOOD, FAIR, POOR, BAD, NONE, STUDY = "green", "yellow", "orange", "red", "text", "blue"
HALF, THIRD, WHOLE = 12, 8, 24
"""Widths, of the 24 columns of a dashboard."""
TALL = 8

Steps = Sequence[tuple[float | None, str]]
"""Colours from a value on; the first from the bottom, `None`."""
Kind = TypeVar(
    "Kind", heatmap.Panel, stat.Panel, statetimeline.Panel, statushistory.Panel, table.Panel, timeseries.Panel
)


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL expression, and how a series of its answer is called."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What a panel shows. `why` is the text behind its `i`; `unit` is one of Grafana's."""

    title: str
    why: str
    queries: Sequence[Query]
    unit: str = "short"
    width: int = HALF
    height: int = TALL


def about(title: str, why: str, *queries: Query, unit: str = "short", width: int = HALF, height: int = TALL) -> About:
    """Return what a panel shows, its queries in a row."""
    return About(title, why, queries, unit, width, height)


def lines(shown: About, *, limit: float | None = None, stacked: bool = False) -> Builder[Panel]:
    """Return a panel of lines, stacked bars on request; `limit` is a line not to be crossed."""
    panel = _common(timeseries.Panel(), shown).min(0).fill_opacity(5).line_width(1).span_nulls(120_000)
    panel = panel.legend(_legend()).tooltip(_tooltip())
    if stacked:
        bars = panel.draw_style(common.GraphDrawStyle.BARS).fill_opacity(80).line_width(0)
        panel = bars.stacking(parts.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
    if limit is not None:
        shape = parts.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.LINE_AND_AREA)
        panel = panel.thresholds(_thresholds(((None, "transparent"), (limit, BAD)))).thresholds_style(shape)
    return panel


def figures(shown: About, steps: Steps, words: Mapping[int, tuple[str, str]] = MappingProxyType({})) -> Builder[Panel]:
    """Return the latest value of every series, large; `words` stand for values, each with its colour."""
    panel = _common(stat.Panel(), shown).thresholds(_thresholds(steps)).color_mode(common.BigValueColorMode.BACKGROUND)
    panel = panel.reduce_options(parts.ReduceDataOptions().calcs(["lastNotNull"])).mappings(_words(words))
    return panel.graph_mode(common.BigValueGraphMode.NONE).text_mode(common.BigValueTextMode.VALUE_AND_NAME)


def states(shown: About, words: Mapping[int, tuple[str, str]]) -> Builder[Panel]:
    """Return how states followed each other, a row per series."""
    panel = _common(statetimeline.Panel(), shown).mappings(_words(words)).show_value(common.VisibilityMode.NEVER)
    return panel.row_height(0.8).fill_opacity(80).line_width(0).tooltip(_tooltip()).color_scheme(_by_threshold())


def heat(shown: About, steps: Steps) -> Builder[Panel]:
    """Return a row of cells per series, each coloured by its value."""
    panel = _common(statushistory.Panel(), shown).thresholds(_thresholds(steps)).color_scheme(_by_threshold())
    return panel.show_value(common.VisibilityMode.NEVER).row_height(0.9).tooltip(_tooltip()).max_data_points(96)


def spread(shown: About) -> Builder[Panel]:
    """Return how the observations of a histogram are spread, over time; its query sums by `le`."""
    panel = _common(heatmap.Panel(), shown, PromQueryFormat.HEATMAP)
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(32)
    return panel.color(colours).y_axis(heatmap.YAxisConfig().unit(shown.unit)).max_data_points(120)


def rows(shown: About, labels: Mapping[str, str], units: Mapping[str, str] = MappingProxyType({})) -> Builder[Panel]:
    """Return a table with a row per series.

    `labels` become columns, in this order and by these names; a query's legend names the column of its values, which is
    sorted out of `Value #A` and so on. `units` are those of columns, by name.
    """
    names = {_value(number, shown): one.legend for number, one in enumerate(shown.queries)}
    order = {name: place for place, name in enumerate((*labels, *names))}
    renamed = dict(labels) | names
    kept = DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": list(order)}})
    merged = DataTransformerConfig(id_val="merge", options={})
    sorted_out = DataTransformerConfig(id_val="organize", options={"indexByName": order, "renameByName": renamed})
    panel = _common(table.Panel(), shown, PromQueryFormat.TABLE).transformations([merged, kept, sorted_out])
    for name, unit in units.items():
        panel = panel.override_by_name(name, [DynamicConfigValue("unit", unit)])
    return panel.filterable(filterable=True)


def _value(number: int, shown: About) -> str:
    return f"Value #{_letter(number)}" if len(shown.queries) > 1 else "Value"


def _common(panel: Kind, shown: About, form: PromQueryFormat = PromQueryFormat.TIME_SERIES) -> Kind:
    built = panel.title(shown.title).description(shown.why).datasource(SOURCE).unit(shown.unit)
    built = built.span(shown.width).height(shown.height)
    for number, one in enumerate(shown.queries):
        asked = prometheus.Dataquery().datasource(SOURCE).ref_id(_letter(number)).expr(one.expr).format(form)
        asked = asked.instant() if form is PromQueryFormat.TABLE else asked.range().legend_format(one.legend)
        built = built.with_target(asked)
    return built


def _letter(number: int) -> str:
    return chr(ord("A") + number)


def _thresholds(steps: Steps) -> ThresholdsConfig:
    listed = [Threshold(value=value, color=colour) for value, colour in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(listed)


def _words(words: Mapping[int, tuple[str, str]]) -> list[ValueMap | RangeMap | RegexMap | SpecialValueMap]:
    results = {
        str(value): ValueMappingResult(text=text, color=colour, index=value) for value, (text, colour) in words.items()
    }
    return [ValueMap(options=results)] if results else []


def _by_threshold() -> FieldColor:
    return FieldColor().mode(FieldColorModeId.THRESHOLDS)


def _legend() -> parts.VizLegendOptions:
    listed = parts.VizLegendOptions().show_legend(show_legend=True).display_mode(common.LegendDisplayMode.LIST)
    return listed.placement(common.LegendPlacement.BOTTOM)


def _tooltip() -> parts.VizTooltipOptions:
    return parts.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
