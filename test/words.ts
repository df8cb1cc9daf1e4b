/** A word that is not used any more, how it is found, and what to write instead. */
interface RetiredWord {
  readonly pattern: RegExp;
  readonly instead: string;
}

const phrase = (words: string, instead: string): RetiredWord => ({
  pattern: new RegExp(`\\b(?:${words})\\b`, 'i'),
  instead,
});

const identifier = (names: string, instead: string): RetiredWord => ({
  pattern: new RegExp(`(?<![\\w$])(?:${names})(?![\\w$])`),
  instead,
});

/** Phrases of prose, in comments, titles, texts and documents, in any case; docs/glossary.md has the terms in use. */
const PHRASES: readonly RetiredWord[] = [
  phrase('by hand|by-hand', '"manual", "manual override", "force"; or "manually"'),
  phrase('obeys?|obeyed|obeying', '"apply": an agent applies a policy or an override'),
  phrase('the other side', '"the dependency", or name the server, the client or the peer'),
  phrase('no word with', '"no network call to"'),
  phrase('(?:goes|go|went|going) on', '"continue"'),
  phrase('anew', '"again", or "start over"'),
  phrase('lets? go of', '"drop"'),
  phrase('(?:hears?|heard) (?:of|from)', '"be notified of", "receive"'),
  phrase('dials?|dialled|dialed|dialling|dialing', '"connect", "reconnect"'),
  phrase('leave for (?:one|a) call', '"permission for one call"'),
  phrase('unlike any other', '"unique"'),
  phrase('mends?|mended|mending', '"fix"'),
  phrase('takes? no part', '"is ignored because"'),
  phrase('(?:is|are) told so', '"is notified", or say which message is shown'),
  phrase('durations? (?:is|are) texts?', '"durations are strings"'),
  phrase('whole percents', '"percentages are integers"'),
];

/** Names of types, fields and functions, as whole identifiers in their own case. */
const IDENTIFIERS: readonly RetiredWord[] = [
  identifier('Boards|Judge|OverrideJudge', 'Snapshots, PolicyStatusReconciler, OverrideStatusReconciler'),
  identifier('Member', 'AgentRecord'),
  identifier('Deed|Person|Presented|Denial|Refusal', 'ResourceAttributes, UserInfo, Credentials, AuthError, Problem'),
  identifier('Tally|Rewinds|AsOf', 'StateCounts, RestoreDetector, ResourceVersions'),
  identifier('Trouble|ReviewBudget|Questions', 'FailureLog, TokenReviewLimiter, ReviewClient'),
  identifier('quietSink|trusting', 'noOpStatusSink, unauthenticated'),
  identifier('#?(?:enter|settle)Slowly', 'enterGeneral, settleGeneral'),
  identifier('#(?:lapse|calmDown|disturb)', 'expireDeadlines, or the name of what happens'),
  identifier('Surroundings|COUNTED', 'Environment, COUNTER'),
  identifier('Epoch|NOWHERE|HeldBy', 'Generation, NO_GENERATION, OverrideRef'),
  identifier('(?:#|_)tell', 'notifyListeners, warn'),
  identifier('caveats|standings', 'warnings, precedence'),
  identifier(
    'guards|CallGuards|GuardedCall',
    'layers, CallLayers, LayeredCall; a guard is limits in the code of a service',
  ),
];

/** Words that have no place in an identifier of several words or of a private name, though prose may use them. */
const PARTS: readonly RetiredWord[] = [
  phrase('judges?|judged|judging', '"classify" of an outcome, "evaluate" of a condition'),
  phrase('tally|tallies', '"counters", "counts"'),
  phrase('epochs?', '"generation" of a circuit, or the unit of the time'),
  phrase('calm down', 'the name of what happens'),
  phrase('disturb(?:s|ed)?', '"affect", or the name of what happens'),
  phrase('lapses?|lapsed', '"expire", "end"'),
  phrase('news', '"pendingEvents", "change"'),
  phrase('(?:enter|settle) slowly', '"enterGeneral", "settleGeneral"'),
  phrase('surroundings', '"environment"'),
  phrase('caveats?|standings?', '"warnings", "precedence"'),
  phrase('deeds?|troubles?|rewinds?', '"resourceAttributes", "failureLog", "restoreDetector"'),
  phrase('refusals?|denials?', '"problem", "rejection", "authError"'),
  phrase('quiet sink|review budget', '"noOpStatusSink", "tokenReviewLimiter"'),
  phrase('breaker parts|(?:member|source) view', '"callBreaker", "memberCircuits", "sourceRow"'),
  phrase('(?:call|core) guards|guarded call', '"callLayers", "layeredCall"'),
];

const NAME = /[#\w$]+/g;
const COMPOUND = /[a-z\d][A-Z]|[A-Za-z\d]_[A-Za-z\d]|^[#_]+[A-Za-z]/;

/** The identifiers of a line that have several words or are private, as words: `_calm_down` becomes "calm down". */
function wordsOfNames(line: string): string {
  return [...line.matchAll(NAME)]
    .filter(([name]) => COMPOUND.test(name))
    .map(([name]) =>
      name
        .replaceAll(/([a-z\d])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$2 ')
        .replaceAll(/[#_$]+/g, ' ')
        .trim(),
    )
    .join(' | ');
}

const found = (words: readonly RetiredWord[], text: string): string[] =>
  words.flatMap(({ pattern, instead }) => {
    const match = pattern.exec(text);
    return match === null ? [] : [`"${match[0]}"; write ${instead}`];
  });

/** Where in a text retired words are, in prose and within identifiers, and what to write instead. */
export function retiredWords(text: string): string[] {
  return text.split('\n').flatMap((line, i) => {
    const names = wordsOfNames(line);
    const all = [...found([...PHRASES, ...IDENTIFIERS], line), ...found([...PHRASES, ...PARTS], names)];
    return [...new Set(all)].map((each) => `${i + 1}: ${each}`);
  });
}

/** A comment is no wider than code, in characters. */
export const COMMENT_WIDTH = 120;

const COMMENT = /^\s*(?:\/\/|\/\*|\* |\*$|# )/;
const UNBREAKABLE = /^\s*(?:\/\/|\/?\*+|#)\s*\S+$/;

/** Lines that are comments alone and wider than that; a single word, such as an address, may be. */
export function wideComments(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, i) =>
      line.length > COMMENT_WIDTH && COMMENT.test(line) && !UNBREAKABLE.test(line)
        ? [`${i + 1}: ${line.length} characters; wrap the comment at ${COMMENT_WIDTH}`]
        : [],
    );
}
