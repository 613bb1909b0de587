// Lines: what members without the subprotocol read, and the commands that they type.

package chat

import (
	"fmt"
	"strings"
)

// maxLineNames is how many names one line lists.
const maxLineNames = 20

// help is the answer to /help.
const help = "* Each line is said to everyone here. Commands: /who lists who is here, /msg NAME TEXT is read by NAME alone, " +
	"/ping asks for an answer, /quit leaves. A line that begins with // is said with one of them."

func saidLine(name, text string) string { return eachLine(name+": ", text) }

func joinedLine(names []string, members int) string {
	return fmt.Sprintf("* %s joined (%d here)", listed(names, len(names)), members)
}

func leftLine(names, reasons []string, members int) string {
	if len(names) == 1 {
		return fmt.Sprintf("* %s left: %s (%d here)", names[0], reasons[0], members)
	}
	return fmt.Sprintf("* %s left (%d here)", listed(names, len(names)), members)
}

// welcomeLine is the first line that a member gets.
func welcomeLine(room, name string, members []*member) string {
	return fmt.Sprintf("* welcome to %s, %s: %s; /help lists the commands", room, name, hereLine(members))
}

func hereLine(members []*member) string {
	return fmt.Sprintf("%d here: %s", len(members), listed(namesOf(members[:min(len(members), maxLineNames)]), len(members)))
}

// listed lists the first of a number of names.
func listed(names []string, total int) string {
	shown := names[:min(len(names), maxLineNames)]
	text := strings.Join(shown, ", ")
	if more := total - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// parseLine reads a line that a member has typed. ok is false if there is nothing in it.
func parseLine(line string) (q request, ok bool, refused *refusal) {
	line = strings.TrimRight(line, "\r")
	if strings.TrimSpace(line) == "" {
		return request{}, false, nil
	}
	line, refused = checkText(line)
	if refused != nil {
		refused.refers = "message"
		return request{}, true, refused
	}
	if said, escaped := strings.CutPrefix(line, "//"); escaped {
		return request{kind: "message", text: "/" + said}, true, nil
	}
	if !strings.HasPrefix(line, "/") {
		return request{kind: "message", text: line}, true, nil
	}
	command, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(command) {
	case "/msg":
		return request{kind: "private", text: rest}, true, nil
	case "/who", "/ping", "/quit", "/help":
		return request{kind: strings.ToLower(command[1:])}, true, nil
	}
	return request{}, true, refuseRequest("unknown-type", fmt.Sprintf("there is no command %s: /help lists them", clipped(command)))
}

// splitPrivate splits what follows /msg into a name, which may contain spaces, and the
// text: the longest name for which here returns true.
func splitPrivate(rest string, here func(name string) bool) (name, text string) {
	for end := min(len(rest), maxName); end > 0; end-- {
		if end < len(rest) && rest[end] == ' ' && here(rest[:end]) {
			return rest[:end], strings.TrimSpace(rest[end:])
		}
	}
	name, text, _ = strings.Cut(rest, " ")
	return name, strings.TrimSpace(text)
}

// clipped returns the beginning of a text that a peer chose, for an answer to that peer.
func clipped(s string) string {
	for i := range s {
		if i > maxName {
			return s[:i] + "…"
		}
	}
	return s
}
