package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v3"
	"github.com/pion/turn/v4"
)

const (
	channel  = 0x4000
	deadline = 5 * time.Second
)

var errNoEcho = errors.New("no echo")

// One complete use of a relay on a socket of its own: Allocate, 401, Allocate, ChannelBind to its own relayed address,
// an echo, Refresh(0). pion's client carries the transactions; the messages are built with pion/stun because its own
// Allocate() and WriteTo() would send a CreatePermission and a Send indication on top.
func probe(server *net.UDPAddr, username, password string) error {
	conn, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		return err
	}
	defer conn.Close()
	client, err := turn.NewClient(&turn.ClientConfig{Conn: conn, TURNServerAddr: server.String()})
	if err != nil {
		return err
	}
	defer client.Close()

	echoed := make(chan []byte, 1)
	go receive(conn, client, echoed)

	transport := stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}
	answer, err := exchange(client, server, stun.MethodAllocate, transport)
	if err != nil {
		return err
	}
	var realm stun.Realm
	var nonce stun.Nonce
	if err := answer.Parse(&realm, &nonce); err != nil {
		return err
	}
	auth := []stun.Setter{
		stun.NewUsername(username), realm, nonce, stun.NewLongTermIntegrity(username, realm.String(), password),
	}
	signed := func(method stun.Method, attributes ...stun.Setter) (*stun.Message, error) {
		return exchange(client, server, method, append(attributes, auth...)...)
	}

	answer, err = signed(stun.MethodAllocate, transport)
	if err != nil {
		return err
	}
	if answer.Type.Class != stun.ClassSuccessResponse {
		return fmt.Errorf("allocate: %v", answer)
	}
	var relayed stun.XORMappedAddress
	if err := relayed.GetFromAs(answer, stun.AttrXORRelayedAddress); err != nil {
		return err
	}

	number := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{channel >> 8, channel & 0xFF, 0, 0}}
	answer, err = signed(stun.MethodChannelBind, number, peer(relayed))
	if err != nil {
		return err
	}
	if answer.Type.Class != stun.ClassSuccessResponse {
		return fmt.Errorf("channel bind: %v", answer)
	}

	if err := echo(conn, server, echoed); err != nil {
		return err
	}

	answer, err = signed(stun.MethodRefresh, stun.RawAttribute{Type: stun.AttrLifetime, Value: []byte{0, 0, 0, 0}})
	if err != nil {
		return err
	}
	if answer.Type.Class != stun.ClassSuccessResponse {
		return fmt.Errorf("refresh: %v", answer)
	}
	return nil
}

type peer stun.XORMappedAddress

func (p peer) AddTo(m *stun.Message) error {
	return stun.XORMappedAddress(p).AddToAs(m, stun.AttrXORPeerAddress)
}

func exchange(client *turn.Client, server net.Addr, method stun.Method, attributes ...stun.Setter) (*stun.Message, error) {
	setters := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attributes...)
	request, err := stun.Build(setters...)
	if err != nil {
		return nil, err
	}
	result, err := client.PerformTransaction(request, server, false)
	if err != nil {
		return nil, err
	}
	return result.Msg, nil
}

func receive(conn net.PacketConn, client *turn.Client, echoed chan<- []byte) {
	buffer := make([]byte, 1600)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		if n >= 4 && binary.BigEndian.Uint16(buffer) == channel {
			echoed <- bytes.Clone(buffer[4:n])
			continue
		}
		if _, err := client.HandleInbound(buffer[:n], from); err != nil {
			return
		}
	}
}

func echo(conn net.PacketConn, server net.Addr, echoed <-chan []byte) error {
	payload := bytes.Repeat([]byte{7}, 32)
	message := binary.BigEndian.AppendUint16(nil, channel)
	message = binary.BigEndian.AppendUint16(message, uint16(len(payload)))
	if _, err := conn.WriteTo(append(message, payload...), server); err != nil {
		return err
	}
	timer := time.NewTimer(deadline)
	defer timer.Stop()
	select {
	case got := <-echoed:
		if !bytes.Equal(got, payload) {
			return errNoEcho
		}
		return nil
	case <-timer.C:
		return errNoEcho
	}
}

func probes(o options) report {
	var next, failed atomic.Int64
	var firstError atomic.Value
	var workers sync.WaitGroup
	started, cpuBefore := time.Now(), cpu()
	for range o.inFlight {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for {
				number := int(next.Add(1))
				if number > o.count {
					return
				}
				if err := probe(net.UDPAddrFromAddrPort(o.server(number)), o.username, o.password); err != nil {
					failed.Add(1)
					firstError.CompareAndSwap(nil, err.Error())
				}
			}
		}()
	}
	workers.Wait()
	result := report{
		CPU: cpu() - cpuBefore, Elapsed: time.Since(started).Seconds(),
		Done: int64(o.count), Failed: failed.Load(), Resident: resident(),
	}
	if text, ok := firstError.Load().(string); ok {
		result.Error = text
	}
	return result
}
