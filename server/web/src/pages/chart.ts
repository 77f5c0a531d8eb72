// Which charts are on the page?
import { drawChart } from "../shared/chart";

for (const figure of document.querySelectorAll<HTMLElement>("figure[data-chart]")) drawChart(figure);
