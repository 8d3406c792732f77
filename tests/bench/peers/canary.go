package main

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/turn/v4"
)

// A standing allocation on its own socket, as anybody would write it with pion/turn: Allocate(), then WriteTo() and
// ReadFrom() with the relayed address itself as the peer. After the first echoes it runs over a bound channel.
type canary struct {
	conn   net.PacketConn
	client *turn.Client
	relay  net.PacketConn
}

func newCanary(server, username, password string) (*canary, error) {
	conn, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		return nil, err
	}
	client, err := turn.NewClient(&turn.ClientConfig{
		STUNServerAddr: server, TURNServerAddr: server, Conn: conn, Username: username, Password: password,
	})
	if err != nil {
		return nil, err
	}
	if err := client.Listen(); err != nil {
		return nil, err
	}
	relay, err := client.Allocate()
	if err != nil {
		return nil, err
	}
	return &canary{conn, client, relay}, nil
}

func (c *canary) close() {
	_ = c.relay.Close()
	c.client.Close()
	_ = c.conn.Close()
}

func (c *canary) send(interval time.Duration, sent *atomic.Int64, stop <-chan struct{}) {
	payload := bytes.Repeat([]byte{7}, 32)
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if _, err := c.relay.WriteTo(payload, c.relay.LocalAddr()); err == nil {
				sent.Add(1)
			}
		case <-stop:
			return
		}
	}
}

func (c *canary) receive(received *atomic.Int64) {
	buffer := make([]byte, 1600)
	for {
		if _, _, err := c.relay.ReadFrom(buffer); err != nil {
			return
		}
		received.Add(1)
	}
}

func canaries(o options) report {
	var sent, received atomic.Int64
	var group sync.WaitGroup
	stop := make(chan struct{})
	all := make([]*canary, 0, o.relays)
	for number := range o.relays {
		made, err := newCanary(o.server(number).String(), o.username, o.password)
		if err != nil {
			fail(err)
		}
		all = append(all, made)
		group.Add(1)
		go func() {
			defer group.Done()
			// Spread over the interval, as canaries that were started one after the other are.
			time.Sleep(o.interval * time.Duration(number) / time.Duration(o.relays))
			made.send(o.interval, &sent, stop)
		}()
		go made.receive(&received)
	}
	time.Sleep(time.Second) // until every channel is bound
	sentBefore, receivedBefore := sent.Load(), received.Load()
	started, cpuBefore := time.Now(), cpu()
	time.Sleep(time.Duration(o.seconds * float64(time.Second)))
	result := report{
		CPU: cpu() - cpuBefore, Elapsed: time.Since(started).Seconds(),
		Done: received.Load() - receivedBefore, Resident: resident(),
	}
	result.Failed = sent.Load() - sentBefore - result.Done
	close(stop)
	group.Wait()
	for _, one := range all {
		one.close()
	}
	return result
}
