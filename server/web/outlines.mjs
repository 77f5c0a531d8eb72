// What do the maps show besides places? Land and borders, from Natural Earth (public domain).
//
// Each view is an SVG file; pages draw its paths by <use>, so that the colours are the page's. The views are those of peninsula/drawing/maps.py: Equal Earth, each with its own
// central meridian. Points projected here go into the file, so that a test can compare.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { geoArea, geoEqualEarth, geoPath } from "d3-geo";
import { feature, mesh } from "topojson-client";

const here = path.dirname(fileURLToPath(import.meta.url));

// meridian: the longitude in the middle; scale: pixels a radian; x, y: where longitude "meridian",
// latitude 0 stands. detail: Natural Earth's scale.
const views = {
  world: { meridian: 150, scale: 203, x: 550, y: 265, width: 1100, height: 490, detail: "110m" },
  region: { meridian: 127.5, scale: 1000, x: 400, y: 1020, width: 940, height: 640, detail: "50m" },
  peninsula: { meridian: 127.5, scale: 4200, x: 380, y: 3505, width: 760, height: 800, detail: "10m" },
};
const checks = [[126.98, 37.57], [-74.0, 40.7], [30, 59.9], [151.2, -33.9], [127.5, 0], [-29.5, 80]];

// Leaves out islands too small to be seen, and the few whose ring is turned inside out: they would
// cover the whole view.
function drawable(land, line) {
  const shapes = land.features ? land.features.map((one) => one.geometry) : [land.geometry];
  const polygons = shapes
    .flatMap((shape) => (shape.type === "MultiPolygon" ? shape.coordinates : [shape.coordinates]))
    .filter((coordinates) => {
      const polygon = { type: "Polygon", coordinates };
      return geoArea(polygon) < 2 * Math.PI && line.area(polygon) > 0.4;
    });
  return { type: "MultiPolygon", coordinates: polygons };
}

export async function draw(target) {
  const manifest = {};
  for (const [name, view] of Object.entries(views)) {
    const file = path.join(here, `node_modules/world-atlas/countries-${view.detail}.json`);
    const atlas = JSON.parse(await readFile(file, "utf8"));
    const projection = geoEqualEarth().rotate([-view.meridian, 0]).scale(view.scale)
      .translate([view.x, view.y]).precision(0.3);
    const points = checks.map((point) => [...point, ...projection(point).map((n) => Number(n.toFixed(3)))]);
    projection.clipExtent([[-4, -4], [view.width + 4, view.height + 4]]);
    const line = geoPath(projection).digits(1);
    const paths = {
      land: line(drawable(feature(atlas, atlas.objects.land), line)),
      borders: line(mesh(atlas, atlas.objects.countries, (a, b) => a !== b)),
    };
    const drawn = Object.entries(paths).map(
      ([what, d]) => `<path id="${what}" vector-effect="non-scaling-stroke" d="${d ?? ""}"/>`,
    );
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${view.width} ${view.height}" ` +
      `data-checks="${JSON.stringify(points)}">\n${drawn.join("\n")}\n</svg>\n`;
    const hash = createHash("sha256").update(svg).digest("hex").slice(0, 8).toUpperCase();
    const output = `outlines-${name}-${hash}.svg`;
    await writeFile(path.join(target, output), svg);
    manifest[`outlines-${name}.svg`] = output;
  }
  return manifest;
}
