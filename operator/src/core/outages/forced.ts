/** Whether a circuit opened because somebody forced it open, and not because of what its calls did. */
export const isForced = ({ reason }: { readonly reason?: string | undefined }) => reason === 'forced-open';
