// Which networks are on the page? Each settles by its ties.
import { settle } from "../shared/force";

for (const frame of document.querySelectorAll<HTMLElement>("[data-network]")) settle(frame);
