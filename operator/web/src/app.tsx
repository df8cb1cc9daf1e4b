import { useEffect, useRef, useState } from 'preact/hooks';
import { AgentList } from './agent-list.tsx';
import { AgentPanel } from './agent-panel.tsx';
import { Board } from './board.tsx';
import { BreakerPanel } from './breaker-panel.tsx';
import { Glance } from './glance.tsx';
import { Header, WallBar } from './header.tsx';
import { Headline } from './headline.tsx';
import { HelpDialog } from './help-dialog.tsx';
import { moveFocus } from './list-keys.ts';
import { address, closePanel, connection, go, store } from './model.ts';
import { Notices } from './notices.tsx';
import { OutageList } from './outage-list.tsx';
import { OutagePanel } from './outage-panel.tsx';
import { OverrideList } from './override-list.tsx';
import { PolicyList } from './policy-list.tsx';
import { PolicyPanel } from './policy-panel.tsx';
import { Standstill } from './standstill.tsx';

export function App() {
  const search = useRef<HTMLInputElement>(null);
  const [help, setHelp] = useState(false);
  const { view, breaker, policy, agent, outage, wall } = address.value;
  const { phase } = connection.link.value;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (document.querySelector('dialog[open]')) return;
      if (event.key === '/') {
        event.preventDefault();
        search.current?.focus();
      } else if (event.key === '?') {
        event.preventDefault();
        setHelp(true);
      } else if (event.key === 'Escape') {
        if (address.peek().wall) go({ wall: undefined } as never);
        else closePanel();
      } else if (!event.defaultPrevented && moveFocus(event.key)) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const known = store.overview.value !== undefined;
  const panel = breaker !== undefined || policy !== undefined || agent !== undefined || outage !== undefined;
  return (
    <div
      class={`app ${phase === 'live' ? '' : 'not-live'} ${panel && known ? 'with-panel' : ''} ${wall ? 'wall' : ''}`}
    >
      {wall ? <WallBar /> : <Header search={search} onHelp={() => setHelp(true)} />}
      {help && <HelpDialog onDone={() => setHelp(false)} />}
      <Notices />
      {known && phase !== 'refused' ? (
        <>
          <Headline />
          <Glance />
          <div class="body">
            <main aria-label={view}>
              {view === 'board' && <Board />}
              {view === 'outages' && <OutageList />}
              {view === 'policies' && <PolicyList />}
              {view === 'agents' && <AgentList />}
              {view === 'overrides' && <OverrideList />}
            </main>
            {breaker !== undefined && <BreakerPanel id={breaker} />}
            {breaker === undefined && policy !== undefined && <PolicyPanel name={policy} />}
            {breaker === undefined && policy === undefined && agent !== undefined && <AgentPanel name={agent} />}
            {breaker === undefined && policy === undefined && agent === undefined && outage !== undefined && (
              <OutagePanel key={outage} name={outage} />
            )}
          </div>
        </>
      ) : (
        <Standstill />
      )}
    </div>
  );
}

const typing = (target: EventTarget | null) =>
  target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
