#!/bin/sh
# Makes fixtures/audio and samples from their sources. Needed only when the set changes: the results are in the repository.
#
#   apt-get install ffmpeg espeak-ng pocketsphinx-testdata
#   scripts/make-fixtures.sh DOWNLOADS
#
# DOWNLOADS holds two files: example_en.wav from the folder `examples` of github.com/zai-org/GLM-ASR, and t-rex-roar.mp3
# from github.com/mdn/interactive-examples. fixtures/audio/README.md names all sources and licences.
set -eu

downloads=${1:?Give the folder that holds example_en.wav and t-rex-roar.mp3}
pocketsphinx=/usr/share/pocketsphinx/test/data
librivox=$pocketsphinx/librivox/sense_and_sensibility_01_austen_64kb
root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/fixtures/audio
spoken=$(mktemp -d)
trap 'rm -rf "$spoken"' EXIT
mkdir -p "$out" "$root/samples"

convert() {
  ffmpeg -nostdin -v error -y "$@"
}

# make NAME RATE FILTER OGG_CODEC INPUT...: one recording in six formats. The wav is always 16 kHz, mono, 16 bits; the
# others have the rate and the channels that the filter gives. Opus has rates of its own, so its encoder gets 48 kHz.
make() {
  name=$out/$1 rate=$2 filter=$3 ogg_codec=$4
  shift 4
  plain='-map_metadata -1 -fflags +bitexact -flags:a +bitexact'
  case $ogg_codec in
    libopus) ogg="-ar 48000 -c:a libopus -b:a 40k" ;;
    libvorbis) ogg="-ar $rate -c:a libvorbis -q:a 1" ;;
  esac
  # $plain and $ogg are lists of options: they have to be split.
  # shellcheck disable=SC2086
  {
    convert "$@" $plain -ac 1 -ar 16000 -c:a pcm_s16le "$name.wav"
    convert "$@" $plain -af "$filter" -ar "$rate" -c:a libmp3lame -q:a 6 "$name.mp3"
    convert "$@" $plain -af "$filter" -ar "$rate" -c:a aac -b:a 48k "$name.m4a"
    convert "$@" $plain -af "$filter" $ogg "$name.ogg"
    convert "$@" $plain -af "$filter" -ar "$rate" -sample_fmt s16 -c:a flac -compression_level 12 "$name.flac"
    convert "$@" $plain -af "$filter" -ar 48000 -c:a libopus -b:a 32k "$name.webm"
  }
}

mono='pan=mono|c0=c0'
stereo='pan=stereo|c0=c0|c1=c0'
left='pan=stereo|c0=c0|c1=0*c0'
wide='pan=stereo|c0=c0|c1=0.5*c0'

make sense-leisure 44100 "$stereo" libvorbis -i "$librivox-0870.wav"
make sense-selfish 22050 "$mono" libopus -i "$librivox-0890.wav"
make sense-married 48000 "$mono" libopus -i "$librivox-0920.wav"
make sense-amiable 16000 "$mono" libvorbis -i "$librivox-0930.wav"
make fabric 22050 "$mono" libvorbis -i "$downloads/example_en.wav"
make go-forward 8000 "$mono" libopus -f s16le -ar 16000 -ac 1 -i "$pocketsphinx/goforward.raw"
make something 48000 "$wide" libvorbis -f s16le -ar 16000 -ac 1 -i "$pocketsphinx/something.raw"
make seven-of-clubs 16000 "$stereo" libopus -i "$pocketsphinx/cards/003.wav"

espeak-ng -v en-us -s 160 -w "$spoken/library.wav" \
  'The library opens early in the morning, and the children come to read stories about ships and distant islands.'
espeak-ng -v en-gb+f2 -s 150 -w "$spoken/storm.wav" \
  'After the storm we walked along the river, until we found a small boat under the old bridge.'
make library 22050 "$stereo" libopus -i "$spoken/library.wav"
make storm 44100 "$left" libvorbis -i "$spoken/storm.wav"

# Without speech.
convert -f lavfi -i 'anullsrc=r=16000:cl=mono' -t 2 -c:a pcm_s16le -fflags +bitexact "$out/silence.wav"
convert -f lavfi -i 'anoisesrc=r=16000:c=pink:a=0.2:seed=7' -t 2 -c:a pcm_s16le -fflags +bitexact "$out/noise.wav"
convert -f lavfi -i 'sine=f=440:r=16000' -t 2 -c:a pcm_s16le -fflags +bitexact "$out/tone.wav"
cp "$downloads/t-rex-roar.mp3" "$out/t-rex-roar.mp3"

cp "$out/sense-leisure.mp3" "$root/samples/sense-and-sensibility.mp3"
