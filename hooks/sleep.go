package hooks

import "context"

// Run waits for the sleep's duration; 0 returns at once.
func (s *Sleep) Run(ctx context.Context) Report {
	if s.Duration > 0 && !Pause(ctx, s.Duration) {
		return Report{Cause: CauseCancelled, Err: context.Cause(ctx)}
	}
	return Report{}
}
