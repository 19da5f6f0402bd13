"""A dashboard as a whole: its variables, its rows, the way to the others."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardCursorSync,
    DashboardLinkType,
    Panel,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from dashboards.panels import SOURCE

TAG = "client-access"
EVERYTHING = ("environment", "vantage", "client", "target")
"""What can be chosen, each within what was chosen before it."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels that belong together."""

    title: str
    panels: Sequence[Builder[Panel]]


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard: `name` is that of its file and the end of its address."""

    name: str
    title: str
    why: str
    variables: Sequence[str]
    rows: Sequence[Row]
    since: str = "now-6h"

    def build(self) -> Dashboard:
        """Return it as Grafana takes it, its panels numbered in order."""
        made = dashboard.Dashboard(self.title).uid(f"clientaccess-{self.name}").description(self.why).tags([TAG])
        made = made.time(self.since, "now").refresh("30s").timezone("browser").editable()
        made = made.tooltip(DashboardCursorSync.CROSSHAIR).variables(_variables(self.variables)).link(_others())
        for row in self.rows:
            made = made.with_row(dashboard.Row(row.title))
            for panel in row.panels:
                made = made.with_panel(panel)
        return _numbered(made.build())


def _numbered(built: Dashboard) -> Dashboard:
    for number, panel in enumerate(built.panels or (), 1):
        panel.id_val = number
    return built


def _variables(names: Sequence[str]) -> list[Builder[VariableModel]]:
    source = dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return [source, *(_variable(name, names[:place]) for place, name in enumerate(names))]


def _variable(name: str, before: Sequence[str]) -> Builder[VariableModel]:
    within = ",".join(f'{one}=~"${one}"' for one in before)
    query = f"label_values(clientaccess_probe_info{f'{{{within}}}' if within else ''}, {name})"
    made = dashboard.QueryVariable(name).label(name.capitalize()).datasource(SOURCE).query(query)
    made = made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(VariableSort.ALPHABETICAL_ASC)
    made = made.multi(multi=True).include_all(include_all=True).all_value(".*")
    return made.current(VariableOption(selected=True, text="All", value="$__all"))


def _others() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Client access").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(as_dropdown=True).include_vars(include_vars=True).keep_time(keep_time=True)
