// Which networks are on the page? Each settles by its ties.
import { settle } from "../shared/force";

// How much room a label takes depends on its letters.
void document.fonts.ready.then(() => {
  for (const frame of document.querySelectorAll<HTMLElement>("[data-network]")) settle(frame);
});
