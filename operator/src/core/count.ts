/** A number with its noun or phrase: `1 agent`, `2 agents`, `1 is`, `2 are`. */
export const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
