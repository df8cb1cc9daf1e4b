// Replays sequences of calls in gobreaker. Inside a bubble of testing/synctest the clock that gobreaker reads moves
// only by time.Sleep.
package conformance

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"
)

type config struct {
	MaxRequests         uint32 `json:"maxRequests"`
	TimeoutMs           int    `json:"timeoutMs"`
	ConsecutiveFailures uint32 `json:"consecutiveFailures"`
	IntervalMs          int    `json:"intervalMs"`
	BucketMs            int    `json:"bucketMs"`
	MinimumCalls        uint32 `json:"minimumCalls"`
	FailurePercent      uint32 `json:"failurePercent"`
}

type step struct {
	Do      string `json:"do"`
	Call    int    `json:"call"`
	Outcome string `json:"outcome"`
	Ms      int    `json:"ms"`
}

type request struct {
	Config config `json:"config"`
	Steps  []step `json:"steps"`
}

type observation struct {
	Admission string `json:"admission,omitempty"`
	State     string `json:"state"`
	Calls     uint32 `json:"calls"`
	Failures  uint32 `json:"failures"`
}

var (
	errDown    = errors.New("down")
	errIgnored = errors.New("ignored")
)

func settings(c config) gobreaker.Settings {
	return gobreaker.Settings{
		MaxRequests:  c.MaxRequests,
		Timeout:      time.Duration(c.TimeoutMs) * time.Millisecond,
		Interval:     time.Duration(c.IntervalMs) * time.Millisecond,
		BucketPeriod: time.Duration(c.BucketMs) * time.Millisecond,
		ReadyToTrip: func(counts gobreaker.Counts) bool {
			if c.ConsecutiveFailures > 0 {
				return counts.ConsecutiveFailures >= c.ConsecutiveFailures
			}
			calls := counts.TotalSuccesses + counts.TotalFailures
			return calls >= c.MinimumCalls && counts.TotalFailures*100 >= c.FailurePercent*calls
		},
		IsExcluded: func(err error) bool { return errors.Is(err, errIgnored) },
	}
}

func replay(r request) []observation {
	breaker := gobreaker.NewTwoStepCircuitBreaker[any](settings(r.Config))
	open := map[int]func(error){}
	seen := make([]observation, 0, len(r.Steps))
	for _, s := range r.Steps {
		admission := ""
		switch s.Do {
		case "advance":
			time.Sleep(time.Duration(s.Ms) * time.Millisecond)
		case "begin":
			done, err := breaker.Allow()
			admission = "rejected"
			if err == nil {
				admission, open[s.Call] = "admitted", done
			}
		case "end":
			if done := open[s.Call]; done != nil {
				done(map[string]error{"success": nil, "failure": errDown, "ignored": errIgnored}[s.Outcome])
				delete(open, s.Call)
			}
		default:
			panic("unknown step " + s.Do)
		}
		state, counts := breaker.State(), breaker.Counts()
		seen = append(seen, observation{admission, state.String(), counts.TotalSuccesses + counts.TotalFailures, counts.TotalFailures})
	}
	return seen
}

func TestPeer(t *testing.T) {
	lines := bufio.NewReaderSize(os.Stdin, 1<<20)
	answers := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var r request
		if err := json.Unmarshal(line, &r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		var seen []observation
		synctest.Test(t, func(*testing.T) { seen = replay(r) })
		if err := answers.Encode(seen); err != nil {
			os.Exit(1)
		}
	}
}
