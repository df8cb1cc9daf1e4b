import { options, render } from 'preact';
import { App } from './app.tsx';
import { begin } from './model.ts';
import { followOverrides } from './overrides.ts';

// One drawing a frame, however many events came.
options.debounceRendering = (draw) => requestAnimationFrame(draw);
begin();
void followOverrides();
render(<App />, document.getElementById('page')!);
