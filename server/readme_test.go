// A test that the README and --help name the same commands and flags.

package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestREADMEMatchesHelp(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var flags []string
	for _, c := range []*cobra.Command{serveCommand(), connectCommand(), decodeCommand()} {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			flags = append(flags, "--"+f.Name)
			if !strings.Contains(string(readme), "`--"+f.Name) {
				t.Errorf("the README does not describe --%s of %s", f.Name, c.Name())
			}
		})
	}
	flags = append(flags, "--help")
	for _, flag := range regexp.MustCompile("`(?:[a-z/ ]*framescope[a-z ]*)?(--[a-z0-9-]+)").FindAllStringSubmatch(string(readme), -1) {
		if !slices.Contains(flags, flag[1]) {
			t.Errorf("the README mentions %s, which --help does not list", flag[1])
		}
	}
	for _, c := range rootCommand().Commands() {
		if !strings.Contains(string(readme), "framescope "+c.Name()) {
			t.Errorf("the README does not mention `framescope %s`", c.Name())
		}
	}
}
