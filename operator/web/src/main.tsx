import { options, render } from 'preact';
import { App } from './app.tsx';
import { begin } from './model.ts';
import { followOverrides } from './overrides.ts';

// The page is rendered at most once per frame, however many events arrive.
options.debounceRendering = (draw) => requestAnimationFrame(draw);
begin();
void followOverrides();
render(<App />, document.getElementById('page')!);
