#!/bin/sh
# Submits the sweep of this folder as a Ray job and follows its output.
#
#   RAY_API_SERVER_ADDRESS=http://HEAD:8265 sh job.sh /data/results
#
# The driver runs on the head node, where /data/results is. Needs `pip install 'ray[default]'` here
# and on the head node, and the cluster's token here.
set -eu
out=${1:?usage: sh job.sh DIRECTORY-ON-THE-HEAD-NODE}
case $out in /*) ;; *) echo "job.sh: $out: give an absolute path" >&2; exit 2 ;; esac
cd "$(dirname "$0")"
exec ray job submit --runtime-env runtime_env.yaml -- \
    nas-harness run sweep.yaml --out "$out" --address auto
