// Comparators for the benchmarks: a prober and standing canaries written with pion/turn, which do exactly what
// Turnkeeper's do, and an ICE service on net/http (ice.go). Prints one line of JSON with the CPU time of this process.
//
//	peers probe --relay 127.0.0.1:3478 --username U --password P --in-flight 50 --count 5000
//	peers canary --relays 1000 --relay 127.1.0.1:3478 --username U --password P --interval 100ms --seconds 10
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"time"
)

type options struct {
	relay    netip.AddrPort
	relays   int
	username string
	password string
	inFlight int
	count    int
	interval time.Duration
	seconds  float64
}

type report struct {
	CPU      float64 `json:"cpu_seconds"`
	Elapsed  float64 `json:"elapsed_seconds"`
	Done     int64   `json:"done"`
	Failed   int64   `json:"failed"`
	Resident int64   `json:"rss_kib,omitempty"`
	Error    string  `json:"error,omitempty"`
}

// The relay with this number: the addresses follow each other, the port is the same.
func (o options) server(number int) netip.AddrPort {
	address := o.relay.Addr()
	for range number % o.relays {
		address = address.Next()
	}
	return netip.AddrPortFrom(address, o.relay.Port())
}

func cpu() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func resident() int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fail(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		var kib int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kib); err == nil {
			return kib
		}
	}
	return 0
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "ice" {
		serveICE(os.Args[2:])
	}
	modes := map[string]func(options) report{"probe": probes, "canary": canaries}
	if len(os.Args) < 2 || modes[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: peers probe|canary|ice [options]")
		os.Exit(2)
	}
	var o options
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	relay := flags.String("relay", "127.0.0.1:3478", "address of the first relay")
	flags.IntVar(&o.relays, "relays", 1, "how many relays, on addresses that follow each other")
	flags.StringVar(&o.username, "username", "", "")
	flags.StringVar(&o.password, "password", "", "")
	flags.IntVar(&o.inFlight, "in-flight", 50, "probes at the same time")
	flags.IntVar(&o.count, "count", 5000, "probes in all")
	flags.DurationVar(&o.interval, "interval", 100*time.Millisecond, "between two echoes of a canary")
	flags.Float64Var(&o.seconds, "seconds", 10, "how long to measure canaries")
	_ = flags.Parse(os.Args[2:])
	var err error
	if o.relay, err = netip.ParseAddrPort(*relay); err != nil {
		fail(err)
	}
	result := modes[os.Args[1]](o)
	if err := json.NewEncoder(os.Stdout).Encode(result); err != nil {
		fail(err)
	}
}
