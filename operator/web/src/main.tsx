import { options, render } from 'preact';
import { App } from './app.tsx';
import { begin } from './model.ts';

// One drawing a frame, however many events came.
options.debounceRendering = (draw) => requestAnimationFrame(draw);
begin();
render(<App />, document.getElementById('page')!);
