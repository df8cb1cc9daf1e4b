import { options, render } from 'preact';
import { App } from './app.tsx';
import { callForAttention } from './attention.ts';
import { sentenceOf } from './headline.tsx';
import { begin, store } from './model.ts';
import { followOverrides } from './overrides.ts';

// The page is rendered at most once per frame, however many events arrive.
options.debounceRendering = (draw) => requestAnimationFrame(draw);
begin();
callForAttention(store, sentenceOf);
void followOverrides();
render(<App />, document.getElementById('page')!);
