// Appends records to the file that its first argument names. On disk before it acknowledges.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
)

type message struct {
	Type   string
	Record json.RawMessage
	Value  json.RawMessage
}

func main() {
	file, err := os.OpenFile(os.Args[1], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	check(err)
	out := bufio.NewWriter(file)
	for messages := json.NewDecoder(os.Stdin); ; {
		var m message
		if err := messages.Decode(&m); err == io.EOF {
			return
		} else {
			check(err)
		}
		switch m.Type {
		case "RECORD":
			_, err = fmt.Fprintf(out, "%s\n", m.Record)
			check(err)
		case "STATE":
			check(out.Flush())
			check(file.Sync())
			fmt.Printf("%s\n", m.Value)
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
