(() => {
  'use strict';
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const drawn = [];
  const themes = ['as the system', 'light', 'dark'];
  let theme = 0;
  let Plotly = null;

  // tables: a click or a key on a head sorts by its column, numbers first where there are some
  for (const button of document.querySelectorAll('table.sortable th button')) {
    button.addEventListener('click', () => sort(button));
  }
  function sort(button) {
    const head = button.closest('th'), table = button.closest('table'), at = Number(button.dataset.column);
    const down = head.getAttribute('aria-sort') === 'ascending';
    for (const other of table.querySelectorAll('th')) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
    const body = table.tBodies[0], way = down ? -1 : 1;
    const rows = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[at]) }));
    rows.sort((one, two) => compare(one.key, two.key, way));
    body.append(...rows.map((one) => one.row));
  }
  function keyOf(cell) {
    if (cell.dataset.k !== undefined) return Number(cell.dataset.k);
    const text = cell.textContent, number = Number(text.replaceAll(',', '').replace('%', ''));
    return text.trim() === '' || Number.isNaN(number) ? text : number;
  }
  function compare(one, two, way) {
    const isText = [typeof one === 'string', typeof two === 'string'];
    // what has no number comes last, whichever way
    if (isText[0] !== isText[1]) return isText[0] ? 1 : -1;
    return way * (isText[0] ? one.localeCompare(two) : one - two);
  }

  // colours: those of the system, or as chosen
  const switcher = document.getElementById('theme');
  switcher.addEventListener('click', () => {
    theme = (theme + 1) % themes.length;
    if (theme) root.dataset.theme = themes[theme];
    else delete root.dataset.theme;
    switcher.textContent = `Colours: ${themes[theme]}`;
    repaint();
  });
  dark.addEventListener('change', repaint);
  // paper is white, and as wide as a sheet
  const SHEET = 700;
  let before, width;
  addEventListener('beforeprint', () => {
    before = root.dataset.theme;
    root.dataset.theme = 'light';
    width = SHEET;
    repaint();
  });
  addEventListener('afterprint', () => {
    width = undefined;
    if (before === undefined) delete root.dataset.theme;
    else root.dataset.theme = before;
    repaint();
  });

  function colour(name) {
    return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  }
  function painted(figure) {
    const text = colour('text'), line = colour('line'), back = colour('back');
    const layout = structuredClone(figure.layout), data = structuredClone(figure.data);
    Object.assign(layout, {
      paper_bgcolor: back, plot_bgcolor: back, autosize: width === undefined, width, font: { color: text, size: 13, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { bgcolor: back, bordercolor: line, font: { color: text } },
      legend: { orientation: 'h', x: 0, y: 1.02, yanchor: 'bottom', ...layout.legend },
      margin: { l: 64, r: 16, t: 36, b: 52, ...layout.margin }, hovermode: 'closest',
      modebar: { bgcolor: 'rgba(0,0,0,0)', color: colour('soft'), activecolor: text },
    });
    for (const name of ['xaxis', 'yaxis']) layout[name] ??= {};
    for (const [name, axis] of Object.entries(layout)) {
      if (/^[xy]axis\d*$/.test(name)) {
        Object.assign(axis, { gridcolor: line, linecolor: line, zeroline: false, automargin: true });
      }
    }
    for (const trace of data) {
      if (trace.type !== 'parcoords') continue;
      for (const kind of ['labelfont', 'tickfont', 'rangefont']) trace[kind] = { color: text, size: 12 };
      trace.rangefont.color = 'rgba(0,0,0,0)';
      trace.unselected = { line: { color: line, opacity: 0.35 } };
    }
    return { data, layout };
  }
  function repaint() {
    for (const [place, figure] of drawn) {
      const { data, layout } = painted(figure);
      Plotly.react(place, data, layout);
    }
  }

  // a picture of it, a part of it, all of it: none of these asks a server
  const CONFIG = { displaylogo: false, responsive: true, displayModeBar: 'hover' };
  function buttonsOf(figure) {
    return [['toImage', ...(figure.data[0].type === 'parcoords' ? [] : ['zoom2d', 'pan2d', 'resetScale2d'])]];
  }
  // a browser may take half a second to begin with WebGL: beside the unpacking, and not after it
  function warmUp() {
    const begin = "new OffscreenCanvas(1, 1).getContext('webgl')?.getParameter(3379);close()";
    try {
      const worker = new Worker(URL.createObjectURL(new Blob([begin], { type: 'text/javascript' })));
      worker.addEventListener('error', (event) => event.preventDefault());
    } catch {
      // a page within another one may have no workers: the figure takes as long as it does
    }
  }
  async function draw() {
    if (document.getElementById('parallel')) warmUp();
    // the tables are shown first
    await new Promise((resolve) => setTimeout(resolve));
    const script = document.createElement('script');
    script.textContent = unpack('plotly-packed');
    document.head.append(script);
    Plotly = window.Plotly;
    // parallel coordinates are drawn by WebGL, which some machines have in software: after all others
    const isLast = (figure) => figure.data[0].type === 'parcoords';
    const figures = JSON.parse(unpack('figures-packed')).sort((one, two) => isLast(one) - isLast(two));
    for (const figure of figures) {
      const place = document.getElementById(figure.name), { data, layout } = painted(figure);
      await Plotly.newPlot(place, data, layout, { ...CONFIG, modeBarButtons: buttonsOf(figure) });
      drawn.push([place, figure]);
      // between two figures the page answers
      await new Promise((resolve) => setTimeout(resolve));
    }
    document.body.dataset.drawn = String(drawn.length);
  }
  draw().catch((error) => {
    for (const place of document.querySelectorAll('.plot')) {
      if (!place.childElementCount) {
        place.style.height = 'auto';
        place.textContent = `This figure could not be drawn (${error}); the tables have its numbers.`;
      }
    }
  });
})();
