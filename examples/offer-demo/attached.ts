/**
 * Loaded before a process of the demo (`node --import`): ends it when the process that started it is gone, however that
 * one ended. The channel closes by itself, so not even a kill -9 leaves an orphan.
 */
if (process.channel) {
  process.once('disconnect', () => {
    setTimeout(() => process.exit(1), 5_000).unref();
    process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref();
}
