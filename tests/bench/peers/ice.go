package main

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

type iceServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username"`
	Credential string   `json:"credential"`
}

type iceAnswer struct {
	ICEServers []iceServer `json:"iceServers"`
	Policy     string      `json:"iceTransportPolicy"`
}

// serveICE stands in for STUNner's auth service: for each request it checks an API key, chooses relays by the user,
// signs a time-limited credential and writes the answer as JSON, on Go's own HTTP server.
//
//	peers ice --listen 127.0.0.1:9000 --key KEY --secret SECRET --relays turn:...,turn:... [--log]
func serveICE(arguments []string) {
	flags := flag.NewFlagSet("ice", flag.ExitOnError)
	listen := flags.String("listen", "127.0.0.1:9000", "where to serve")
	key := flags.String("key", "", "what clients send as Authorization: Bearer KEY")
	secret := flags.String("secret", "", "the relays' shared secret")
	relayList := flags.String("relays", "", "TURN URLs")
	certificate := flags.String("tls-cert", "", "serve HTTPS with it, PEM")
	privateKey := flags.String("tls-key", "", "its key, PEM")
	withLog := flags.Bool("log", false, "one line on stderr for each request")
	_ = flags.Parse(arguments)
	relays := strings.Split(*relayList, ",")
	wanted := []byte("Bearer " + *key)

	handler := func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), wanted) != 1 {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}
		user := r.URL.Query().Get("user")
		if user == "" {
			user = r.URL.Query().Get("username")
		}
		if user == "" {
			http.Error(w, "no user", http.StatusBadRequest)
			return
		}
		username := strconv.FormatInt(started.Add(24*time.Hour).Unix(), 10) + ":" + user
		mac := hmac.New(sha1.New, []byte(*secret))
		mac.Write([]byte(username))
		credential := base64.StdEncoding.EncodeToString(mac.Sum(nil))
		hash := fnv.New64a()
		hash.Write([]byte(user))
		first := int(hash.Sum64() % uint64(len(relays)))
		answer := iceAnswer{Policy: "all"}
		for i := range min(4, len(relays)) {
			url := relays[(first+i)%len(relays)]
			answer.ICEServers = append(answer.ICEServers, iceServer{[]string{url}, username, credential})
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			return
		}
		if *withLog {
			log.Printf("method=%s path=%s user=%s address=%s took=%s", r.Method, r.URL.Path, user, r.RemoteAddr,
				time.Since(started))
		}
	}
	http.HandleFunc("/v1/ice", handler)
	http.HandleFunc("/ice", handler)
	if *certificate != "" {
		// HTTP/1.1, as wrk speaks it.
		server := http.Server{Addr: *listen, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
		fmt.Fprintln(os.Stderr, server.ListenAndServeTLS(*certificate, *privateKey))
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, http.ListenAndServe(*listen, nil))
	os.Exit(1)
}
