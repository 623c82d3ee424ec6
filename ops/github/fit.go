package github

import (
	"regexp"
	"strings"
)

// fitted returns a whole text of ours. What GitHub would refuse for its length is cut
// at the end of a line, and the text says so.
func fitted(name, body, footer string) string {
	head, tail := mark(name), "\n\n<sub>"+footer+"</sub>\n"
	body = strings.TrimRight(body, "\n")
	if length(head)+length(body)+length(tail) <= maxBody {
		return head + body + tail
	}
	tail = "\n\n**Cut here: GitHub does not accept a longer text. The run has all of it.**" + tail
	return head + closed(body, maxBody-length(head)-length(tail)) + tail
}

// closed returns the beginning of a body that fits into a number of characters
// together with what ends the blocks that are open there.
func closed(body string, most int) string {
	runes := []rune(body)
	for room := most; room > 0; {
		start := lineEnd(string(runes[:min(room, len(runes))]))
		ends := openBlocks(start)
		whole := length(start) + length(ends)
		if whole <= most {
			return start + ends
		}
		room = min(room-1, room*most/whole)
	}
	return ""
}

// lineEnd cuts an unfinished last line, unless that is most of the text.
func lineEnd(text string) string {
	if end := strings.LastIndexByte(text, '\n'); end > len(text)/2 {
		return text[:end]
	}
	return text
}

var (
	// fence is the beginning of a block of code, by CommonMark: three back quotes or
	// tildes or more. The words after back quotes must not contain a back quote.
	fence   = regexp.MustCompile("^ {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$")
	details = regexp.MustCompile(`(?i)<(/?)details(?:\s[^<>]*)?>`)
)

// openBlocks returns what ends the blocks of code, HTML comments and folds that are
// open at the end of a text.
func openBlocks(text string) string {
	var marks string // of the block of code that is open
	folds, comment := 0, false
	for line := range strings.Lines(normal(text)) {
		line = strings.TrimSuffix(line, "\n")
		switch begins := fence.FindStringSubmatch(line); {
		case comment:
			comment = !strings.Contains(line, "-->")
		case marks != "":
			rest := strings.TrimLeft(line, " ")
			inner := strings.TrimRight(rest, " \t")
			if len(line)-len(rest) <= 3 && len(inner) >= len(marks) && strings.Trim(inner, marks[:1]) == "" {
				marks = ""
			}
		case begins != nil:
			marks = begins[1] + begins[2]
		default:
			for _, tag := range details.FindAllStringSubmatch(line, -1) {
				if tag[1] == "" {
					folds++
				} else {
					folds = max(folds-1, 0)
				}
			}
			if start := strings.LastIndex(line, "<!--"); start >= 0 {
				comment = !strings.Contains(line[start:], "-->")
			}
		}
	}
	ends := ""
	if marks != "" {
		ends = "\n" + marks
	}
	if comment {
		ends = "\n-->"
	}
	return ends + strings.Repeat("\n\n</details>", folds)
}

func length(text string) int { return len([]rune(text)) }
