# Sourced by ./kafka and ./hivemq: what their programs in Java are made of, from Maven.
# shellcheck shell=bash

CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/millrace-$NAME

# Sets CLASS_LIST, a file with the class path of a pom.xml, which is made where it is not there, and CLASSES.
class_path() { # POM
  local output
  need java openjdk-17-jre-headless
  CLASS_LIST=$CACHE/classpath-$(sha256sum "$1" | cut -c1-12)
  if ! jars_present "$CLASS_LIST"; then
    need mvn maven
    mkdir -p "$CACHE"
    say 'resolving the class path with Maven'
    output=$(mvn -q -B -f "$1" dependency:build-classpath -DincludeScope=runtime \
      -Dmdep.outputFile="$CLASS_LIST.$$" 2>&1) ||
      { printf '%s\n' "$output" >&2; die 'Maven could not resolve the class path'; }
    mv "$CLASS_LIST.$$" "$CLASS_LIST"
  fi
  CLASSES=$(cat "$CLASS_LIST")
}

jars_present() { # FILE with a class path
  local jar
  [ -s "$1" ] || return 1
  while read -r -d: jar; do [ -f "$jar" ] || return 1; done < <(cat "$1"; printf ':')
}
