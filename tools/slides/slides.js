/* Begin, and shrink what is taller than a slide until it fits, pictures first: also when folded code is opened. */
const HEIGHT = 720;

for (const slide of document.querySelectorAll('.slides section')) {
  if (slide.querySelector(':scope > section')) continue;
  const fits = document.createElement('div');
  fits.className = 'fits';
  const notes = [...slide.querySelectorAll(':scope > aside.notes')];
  fits.append(...slide.childNodes);
  slide.append(fits, ...notes);
}

function fit(slide) {
  const inside = slide && slide.querySelector(':scope > .fits');
  if (!inside) return;
  let zoom = 1;
  const tooHigh = () => inside.scrollHeight * zoom / HEIGHT;
  inside.style.zoom = zoom;
  for (const picture of [1.2, 1, 0.85, 0.7]) {
    inside.style.setProperty('--picture', picture);
    if (tooHigh() <= 1) return;
  }
  for (let tries = 0; tries < 12 && tooHigh() > 1; tries++) {
    zoom *= Math.max(0.6, Math.sqrt(1 / tooHigh())) * 0.995;
    inside.style.zoom = zoom;
  }
}

Reveal.initialize({
  width: 1280,
  height: HEIGHT,
  margin: 0,
  center: false,
  controls: true,
  progress: true,
  hash: true,
  slideNumber: 'c/t',
  transition: 'none',
  plugins: [RevealNotes],
}).then(() => {
  const again = () => fit(Reveal.getCurrentSlide());
  Reveal.on('slidechanged', again);
  document.addEventListener('toggle', again, true);
  MathJax.startup.promise.then(again);
  again();
});
