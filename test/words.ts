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
  identifier('Boards|Judge|OverrideJudge', 'Snapshots, PolicyStatusReconciler, OverrideReconciler'),
  identifier('Member', 'AgentRecord'),
  identifier('Deed|Person|Presented|Denial|Refusal', 'ResourceAttributes, UserInfo, Credentials, AuthError, Problem'),
  identifier('Tally|Rewinds|AsOf', 'StateCounts, RestoreDetector, ResourceVersions'),
  identifier('Trouble|ReviewBudget|Questions', 'FailureLog, TokenReviewLimiter, ReviewClient'),
  identifier('quietSink|trusting', 'noOpStatusSink, unauthenticated'),
  identifier('#?(?:enter|settle)Slowly', '#enterGeneral, #settleGeneral'),
  identifier('#(?:lapse|calmDown|disturb)', '#expireDeadlines, or the name of what happens'),
  identifier('Surroundings|COUNTED', 'Environment, COUNTER'),
  identifier('caveats|standings', 'warnings, precedence'),
];

const RETIRED_WORDS: readonly RetiredWord[] = [...PHRASES, ...IDENTIFIERS];

/** Where in a text retired words are, and what to write instead. */
export function retiredWords(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, i) =>
      RETIRED_WORDS.flatMap(({ pattern, instead }) =>
        pattern.test(line) ? [`${i + 1}: "${pattern.exec(line)![0]}"; write ${instead}`] : [],
      ),
    );
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
