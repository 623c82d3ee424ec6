#!/bin/bash
# Stands in for every command by which the boot script reaches beyond its own
# files: called by the command's name, it writes the call to $MACHINE/calls,
# fails as often as $MACHINE/failures/STEP says, and else does what the script
# relies on.
set -eu
name=${0##*/}
target=${*: -1}
echo "$name $*" >>"$MACHINE/calls"

step=$name
if [ "$name" = curl ]; then case $target in https:*) step=bundle ;; *) step=health ;; esac fi
failures=$MACHINE/failures/$step
if [ -e "$failures" ]; then
  read -r left <"$failures"
  if [ "$left" -gt 0 ]; then
    echo $((left - 1)) >"$failures"
    exit 1
  fi
fi

case $step in
  yum)
    agent=$MACHINE/opt/aws/amazon-cloudwatch-agent/bin
    "$REAL_INSTALL" -D "$0" "$agent/amazon-cloudwatch-agent-ctl"
    ;;
  id) [ -e "$MACHINE/user" ] ;;
  useradd)
    [ ! -e "$MACHINE/user" ]
    : >"$MACHINE/user"
    ;;
  aws) "$REAL_INSTALL" "$MACHINE/object" "$target" ;;
  bundle)
    while [ "$1" != --output ]; do shift; done
    echo "certificates" >"$2"
    ;;
  install)
    # The same without owners: only root may give files away.
    arguments=()
    while [ $# -gt 0 ]; do
      case $1 in
        -o | -g) shift ;;
        *) arguments+=("$1") ;;
      esac
      shift
    done
    "$REAL_INSTALL" "${arguments[@]}"
    ;;
esac
