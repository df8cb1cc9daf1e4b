import { describe, expect, it } from '@jest/globals';
import { read, repositoryFiles, sources } from './repository.ts';
import { COMMENT_WIDTH, retiredWords, wideComments } from './words.ts';

/** These name retired words themselves, are damaged inputs, or are licences and checksums of others. */
const EXEMPT = [/^test\/words(\.test)?\.ts$/, /^fuzz\/corpus\//, /LICENSE$/, /^package-lock\.json$/, /go\.sum$/];
const PROSE = /\.(ts|tsx|js|mjs|cjs|py|go|md|yaml|json|html|css|txt|tpl|toml|sh|snap|svg)$|^\.ci\/run$|Dockerfile$/;

describe('the words', () => {
  it('are those of the glossary; retired ones are named with what replaced them', () => {
    const files = repositoryFiles().filter((path) => PROSE.test(path) && !EXEMPT.some((exempt) => exempt.test(path)));
    expect(files.length).toBeGreaterThan(800);
    expect(files.flatMap((path) => retiredWords(read(path)).map((found) => `${path}:${found}`))).toEqual([]);
  });

  it.each([
    ['a comment', '// The breaker obeys the policy.', '1: "obeys"; write "apply"'],
    ['a title', "it('hears of\\nit')\n it('opens the breaker By Hand')", '2: "By Hand"; write "manual"'],
    ['an identifier', 'class OverrideJudge {', '1: "OverrideJudge"; write Snapshots, PolicyStatusReconciler'],
    ['a name in snake_case', 'def _count_anew(self):', '1: "anew"; write "again"'],
    ['a name in camelCase', 'const goesOnAt = 1;', '1: "goes On"; write "continue"'],
    ['a name in capitals', 'LONGEST_JUDGED = 10', '1: "JUDGED"; write "classify"'],
    ['a private name of Python', 'self._news = None', '1: "news"; write "pendingEvents"'],
    ['a private name of TypeScript', 'this.#calmDown();', '1: "calm Down"; write the name of what happens'],
    ['a name with two meanings', 'class CallGuards {', '1: "CallGuards"; write layers'],
    ['a type among other words', 'parseHTTPTally(x)', '1: "Tally"; write "counters"'],
  ])('are found in %s', (_where, text, message) => {
    expect(retiredWords(text).join('\n')).toContain(message);
  });

  it('are whole: a dialog is no dial, and the board is a page', () => {
    expect(retiredWords('const dialog = document; <Board />; "mendable"; goes once')).toEqual([]);
    expect(retiredWords('isAmended(collapsed_at, elapsedMs, newsletter_id); // judged by its tally')).toEqual([]);
  });
});

describe('the comments', () => {
  it('are no wider than code', () => {
    const files = sources('.ts', '.tsx', '.js', '.py', '.go', '.css', '.sh', '.yaml', '.tpl', '.toml', '.ci/run');
    const found = [...files].flatMap(([path, text]) => wideComments(text).map((wide) => `${path}:${wide}`));
    expect(found).toEqual([]);
  });

  it.each(['//', '  *', '/**', '#'])('that begin with %s are measured', (mark) => {
    expect(wideComments(`${mark} ${'word '.repeat(30)}`)).toHaveLength(1);
    expect(wideComments(`${mark} ${'word '.repeat(10)}`)).toEqual([]);
    expect(wideComments(`${mark} https://example.com/${'a'.repeat(COMMENT_WIDTH)}`)).toEqual([]);
  });
});
