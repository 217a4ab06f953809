// Package bench drives a client the way benchmarks/ingest.py wants it and prints what it cost as one
// line of JSON.
package bench

import (
	"container/heap"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Client is what is measured: it polls a target once and writes what it saw to the lake.
type Client interface {
	Poll(target int) error
	Flush() error // returns when all that was seen is in the lake
}

// Options are where to ask and how much.
type Options struct {
	Network, Lake    string
	Tags             int // closed loop: one connection each
	Warm, Polls      int // polls of each tag, before and while it is measured
	Targets, Rate    int // scheduled load
	Seconds, WarmFor float64
}

type result struct {
	Requests int                `json:"requests"`
	CPU      float64            `json:"cpu"`
	Wall     float64            `json:"wall"`
	RSS      int64              `json:"rss"` // peak, bytes
	Late     map[string]float64 `json:"late,omitempty"`
}

// Parse reads the options from the command line.
func Parse() Options {
	var o Options
	flag.StringVar(&o.Network, "network", "", "address of the network")
	flag.StringVar(&o.Lake, "lake", "", "address of Elasticsearch")
	flag.IntVar(&o.Tags, "tags", 64, "tags, each with a connection of its own")
	flag.IntVar(&o.Warm, "warm", 4, "polls of each tag before the measurement")
	flag.IntVar(&o.Polls, "polls", 20, "polls of each tag")
	flag.IntVar(&o.Targets, "targets", 0, "targets of the scheduled load; 0: a closed loop")
	flag.IntVar(&o.Rate, "rate", 500, "polls a second of the scheduled load")
	flag.Float64Var(&o.Seconds, "seconds", 10, "how long the scheduled load is measured")
	flag.Float64Var(&o.WarmFor, "warm-seconds", 2, "how long it runs before that")
	flag.Parse()
	return o
}

// Run measures a client. byHeap: scheduled targets wait in one heap; else each in a goroutine.
func Run(client Client, o Options, byHeap bool) {
	var found result
	if o.Targets == 0 {
		found = closed(client, o)
	} else {
		found = scheduled(client, o, byHeap)
	}
	found.RSS = usage().Maxrss << 10
	text, err := json.Marshal(found)
	Check(err)
	fmt.Println(string(text))
}

// Check ends the run at an error: a run with failures measures nothing.
func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// closed polls each tag again as soon as it was answered.
func closed(client Client, o Options) result {
	loop := func(polls int) {
		var group sync.WaitGroup
		for tag := range o.Tags {
			group.Go(func() {
				for range polls {
					Check(client.Poll(tag))
				}
			})
		}
		group.Wait()
		Check(client.Flush())
	}
	loop(o.Warm)
	began, before := time.Now(), cpu()
	loop(o.Polls)
	return result{Requests: o.Tags * o.Polls, CPU: cpu() - before, Wall: time.Since(began).Seconds()}
}

type load struct {
	client         Client
	begin, measure time.Time
	late           []float64 // milliseconds
	mu             sync.Mutex
	polls          atomic.Int64
}

func (l *load) poll(target int, due time.Time) {
	late := time.Since(due)
	Check(l.client.Poll(target))
	if due.Before(l.measure) {
		return
	}
	l.polls.Add(1)
	l.mu.Lock()
	l.late = append(l.late, float64(late)/1e6)
	l.mu.Unlock()
}

// scheduled polls every target at its own time, spread evenly over the interval.
func scheduled(client Client, o Options, byHeap bool) result {
	gap := time.Second / time.Duration(o.Rate)
	begin := time.Now().Add(500 * time.Millisecond)
	warm := time.Duration(o.WarmFor * float64(time.Second))
	end := begin.Add(warm + time.Duration(o.Seconds*float64(time.Second)))
	l := &load{client: client, begin: begin, measure: begin.Add(warm), late: make([]float64, 0, 1<<16)}
	interval := gap * time.Duration(o.Targets)
	var before float64
	marked := make(chan struct{})
	time.AfterFunc(time.Until(l.measure), func() { before = cpu(); close(marked) })
	if byHeap {
		l.heap(o.Targets, gap, interval, end)
	} else {
		l.goroutines(o.Targets, gap, interval, end)
	}
	Check(client.Flush())
	<-marked
	found := result{Requests: int(l.polls.Load()), CPU: cpu() - before, Wall: time.Since(l.measure).Seconds()}
	slices.Sort(l.late)
	at := func(share float64) float64 { return l.late[int(share*float64(len(l.late)-1))] }
	found.Late = map[string]float64{"p50": at(0.5), "p99": at(0.99), "max": at(1)}
	return found
}

func (l *load) goroutines(targets int, gap, interval time.Duration, end time.Time) {
	var group sync.WaitGroup
	for target := range targets {
		group.Go(func() {
			due := l.begin.Add(time.Duration(target) * gap)
			for ; due.Before(end); due = due.Add(interval) {
				time.Sleep(time.Until(due))
				l.poll(target, due)
			}
		})
	}
	group.Wait()
}

type entry struct {
	due    time.Time
	target int
}

type entries []entry

func (e entries) Len() int           { return len(e) }
func (e entries) Less(i, j int) bool { return e[i].due.Before(e[j].due) }
func (e entries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *entries) Push(x any)        { *e = append(*e, x.(entry)) }
func (e *entries) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

func (l *load) heap(targets int, gap, interval time.Duration, end time.Time) {
	waiting := make(entries, targets)
	for target := range targets {
		waiting[target] = entry{l.begin.Add(time.Duration(target) * gap), target}
	}
	heap.Init(&waiting)
	work := make(chan entry)
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			for next := range work {
				l.poll(next.target, next.due)
			}
		})
	}
	for waiting[0].due.Before(end) {
		next := waiting[0]
		time.Sleep(time.Until(next.due))
		work <- next
		waiting[0].due = next.due.Add(interval)
		heap.Fix(&waiting, 0)
	}
	close(work)
	group.Wait()
}

func usage() syscall.Rusage {
	var found syscall.Rusage
	Check(syscall.Getrusage(syscall.RUSAGE_SELF, &found))
	return found
}

func cpu() float64 {
	found := usage()
	return float64(found.Utime.Nano()+found.Stime.Nano()) / 1e9
}

// Target returns the name of a target in the network.
func Target(number int) string { return fmt.Sprintf("tag%d", number) }
