// A map with streets in place of the drawing, when somebody asks for it. Only then is Leaflet fetched, from this site,
// and tiles from where the operators said. Marks are circles around public points, so no picture of a marker is needed.
const load = (tag, facts) =>
  new Promise((done, failed) => {
    const node = Object.assign(document.createElement(tag), facts);
    node.onload = done;
    node.onerror = failed;
    document.head.append(node);
  });

// Texts become nodes, never markup: titles are written by members.
function label(point) {
  const node = document.createElement(point.url ? "a" : "strong");
  node.textContent = point.title;
  if (point.url) node.href = point.url;
  return node;
}

// Whoever asked for less motion gets a map that jumps: Leaflet has no setting of its own for the way to a popup.
function unmoved(map) {
  const jump = map.panBy;
  map.panBy = (offset) => jump.call(map, offset, { animate: false });
}

function draw(place) {
  const { tileMap, words, radius, points, zoomIn, zoomOut } = place.dataset;
  const moves = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const motion = { fadeAnimation: moves, zoomAnimation: moves, inertia: moves };
  const map = window.L.map(place, { scrollWheelZoom: false, zoomControl: false, ...motion });
  if (!moves) unmoved(map);
  window.L.control.zoom({ zoomInTitle: zoomIn, zoomOutTitle: zoomOut }).addTo(map);
  map.attributionControl.setPrefix(false);
  const credit = document.createElement("span");
  credit.textContent = words;
  window.L.tileLayer(tileMap, { maxZoom: 17, attribution: credit.innerHTML }).addTo(map);
  const known = JSON.parse(points);
  map.fitBounds(known.map((point) => [point.lat, point.lon]), { maxZoom: 14, padding: [32, 32] });
  for (const point of known) {
    const facts = { radius: Number(radius), className: "tile-mark" };
    window.L.circle([point.lat, point.lon], facts).bindPopup(label(point)).addTo(map);
  }
}

async function show(place, ask) {
  const { script, style } = place.dataset;
  try {
    await Promise.all([load("link", { rel: "stylesheet", href: style }), window.L || load("script", { src: script })]);
  } catch {
    return; // the drawing stays, and so does the button
  }
  place.parentElement.querySelector("svg.locator").setAttribute("hidden", "");
  ask.hidden = true;
  place.hidden = false;
  draw(place);
  place.focus();
}

for (const place of document.querySelectorAll("[data-tile-map]")) {
  const ask = place.parentElement.querySelector("[data-tile-ask]");
  ask.hidden = false;
  ask.querySelector("button").addEventListener("click", () => show(place, ask));
}
