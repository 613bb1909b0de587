// Tests that the README and --help name the same commands, flags and URLs.

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

func TestREADMEAndHelpListTheSameURLs(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## What it serves\n")
	table, _, _ := strings.Cut(section, "\n## ")
	paths := func(expression, text string) (all []string) {
		for _, found := range regexp.MustCompile(expression).FindAllStringSubmatch(text, -1) {
			all = append(all, found[1])
		}
		return all
	}
	documented := paths("(?m)^\\| `(?:POST )?(/[a-z./]*)", table)
	helped := paths("(?m)^  (/[a-z./]*) ", serveCommand().Long)
	if !slices.Equal(documented, helped) {
		t.Errorf("the README lists %q, serve --help %q", documented, helped)
	}
}
