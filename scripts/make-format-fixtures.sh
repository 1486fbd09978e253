#!/bin/sh
# Makes fixtures/formats: one short recording in every format that is decoded. Needed only when the set changes.
#
#   apt-get install ffmpeg nodejs fdkaac    (fdkaac is in Debian's contrib, its library in non-free)
#   scripts/make-format-fixtures.sh
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
spoken=$root/fixtures/audio/seven-of-clubs.wav
out=$root/fixtures/formats
picture='color=c=blue:s=16x16:r=5'
mkdir -p "$out"

# make NAME OPTIONS...: the first 1.5 seconds of the recording, without dates and names of programs.
make() {
  name=$out/$1
  shift
  ffmpeg -nostdin -v error -y -i "$spoken" -t 1.5 -map_metadata -1 -fflags +bitexact -flags:a +bitexact "$@" "$name"
}

# with_video NAME OPTIONS...: the same beside a video track, which comes first.
with_video() {
  name=$out/$1
  shift
  ffmpeg -nostdin -v error -y -f lavfi -i "$picture" -i "$spoken" -t 1.5 -map 0:v -map 1:a -map_metadata -1 \
    -fflags +bitexact -flags +bitexact "$@" "$name"
}

# Named after the encodings as ffmpeg calls them.
for codec in pcm_u8 pcm_s16le pcm_s24le pcm_s32le pcm_f32le pcm_f64le pcm_mulaw pcm_alaw adpcm_ima_wav adpcm_ms; do
  make "$codec.wav" -ar 8000 -ac 1 -c:a $codec
done
make stereo.adpcm_ima_wav.wav -ar 8000 -ac 2 -c:a adpcm_ima_wav
make stereo.adpcm_ms.wav -ar 8000 -ac 2 -c:a adpcm_ms
make extensible.wav -ar 8000 -af 'pan=quad|c0=c0|c1=c0|c2=c0|c3=c0' -c:a pcm_s16le
make rf64.wav -ar 8000 -ac 1 -rf64 always -c:a pcm_s16le

make big-endian.aiff -ar 8000 -ac 1 -c:a pcm_s16be
make little-endian.aifc -ar 8000 -ac 1 -c:a pcm_s24be -f aiff

for rate in 8000 11025 12000 16000 22050 24000 32000 44100 48000; do
  make "$rate.mp3" -ar $rate -ac 1 -c:a libmp3lame -b:a 32k
done
make stereo.mp3 -ar 44100 -ac 2 -c:a libmp3lame -b:a 64k
make variable.mp3 -ar 44100 -ac 1 -c:a libmp3lame -q:a 6
make untagged.mp3 -ar 44100 -ac 1 -c:a libmp3lame -b:a 48k -write_xing 0 -id3v2_version 0
make 44100.mp2 -ar 44100 -ac 1 -c:a libtwolame -b:a 64k
make 24000.mp2 -ar 24000 -ac 1 -c:a libtwolame -b:a 32k

make last.m4a -ar 22050 -ac 1 -c:a aac -b:a 32k
make first.m4a -ar 22050 -ac 1 -c:a aac -b:a 32k -movflags +faststart
make fragmented.m4a -ar 22050 -ac 1 -c:a aac -b:a 32k -movflags +frag_keyframe+empty_moov+default_base_moof -frag_duration 300000 -f mp4
make alac.m4a -ar 16000 -ac 1 -c:a alac
make alac-24.m4a -ar 8000 -ac 2 -sample_fmt s32p -c:a alac
make opus.mp4 -ar 48000 -ac 1 -c:a libopus -b:a 24k
make quicktime.mov -ar 22050 -ac 1 -c:a aac -b:a 32k
with_video video.mp4 -c:v mpeg4 -q:v 31 -ar 22050 -ac 1 -c:a aac -b:a 32k
with_video video-fragmented.mp4 -c:v mpeg4 -q:v 31 -ar 22050 -ac 1 -c:a aac -b:a 32k \
  -movflags +frag_keyframe+empty_moov -frag_duration 300000

make 22050.aac -ar 22050 -ac 1 -c:a aac -b:a 32k -f adts

# HE-AAC, which ffmpeg as Debian builds it cannot write: high_band NAME RATE CHANNELS OPTIONS...
high_band() {
  name=$out/$1 rate=$2 channels=$3
  shift 3
  ffmpeg -nostdin -v error -i "$spoken" -t 1.5 -ar "$rate" -ac "$channels" -c:a pcm_s16le -f wav - |
    fdkaac --silent --ignorelength "$@" -o "$name" -
}
high_band he.m4a 22050 1 --profile 5 --bitrate 16000
high_band he-v2.m4a 44100 2 --profile 29 --bitrate 24000
high_band he.aac 44100 1 --profile 5 --bitrate 24000 --transport-format 2
high_band he-v2.aac 44100 2 --profile 29 --bitrate 24000 --transport-format 2

make vorbis.ogg -ar 22050 -ac 1 -c:a libvorbis -q:a 0
make opus.ogg -ar 48000 -ac 1 -c:a libopus -b:a 24k
make flac.oga -ar 16000 -ac 1 -c:a flac -f ogg
cat "$out/vorbis.ogg" "$out/vorbis.ogg" > "$out/chained-vorbis.ogg"
cat "$out/opus.ogg" "$out/vorbis.ogg" > "$out/chained-kinds.ogg"

make 16-bit.flac -ar 16000 -ac 1 -c:a flac
make 24-bit.flac -ar 16000 -ac 1 -sample_fmt s32 -bits_per_raw_sample 24 -c:a flac
make 96000.flac -ar 96000 -ac 1 -c:a flac -compression_level 12
make eight-channels.flac -ar 8000 -af 'pan=7.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0|c6=c0|c7=c0' -c:a flac

make opus.webm -ar 48000 -ac 1 -c:a libopus -b:a 24k
make vorbis.webm -ar 22050 -ac 1 -c:a libvorbis -q:a 0
make live.webm -ar 48000 -ac 1 -c:a libopus -b:a 24k -live 1 -f webm
with_video video.webm -c:v libvpx -b:v 5k -ar 48000 -ac 1 -c:a libopus -b:a 24k

# Recognised, but not decoded.
make speex.ogg -ar 8000 -ac 1 -c:a libspeex -b:a 8k
make mp3.wav -ar 16000 -ac 1 -c:a libmp3lame -b:a 16k -f wav
make apple.caf -ar 8000 -ac 1 -c:a pcm_mulaw
make stream.mpegts -ar 16000 -ac 1 -c:a libmp3lame -b:a 16k -f mpegts
make encrypted.mp4 -ar 22050 -ac 1 -c:a aac -b:a 32k -encryption_scheme cenc-aes-ctr \
  -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid a7e61c373e219033c21091fa607bf3b8

# Seeds for the damage tests: the smallest that still hold a few frames.
make_seed() {
  name=$out/seeds/$1
  shift
  ffmpeg -nostdin -v error -y -ss 0.4 -i "$spoken" -t 0.25 -map_metadata -1 -fflags +bitexact -flags:a +bitexact "$@" "$name"
}
mkdir -p "$out/seeds"
make_seed seed.wav -ar 8000 -ac 1 -c:a adpcm_ms
make_seed seed.mp3 -ar 16000 -ac 1 -c:a libmp3lame -b:a 32k
make_seed seed.aac.m4a -ar 16000 -ac 1 -c:a aac -b:a 24k
make_seed seed.alac.m4a -ar 8000 -ac 1 -c:a alac
make_seed seed.vorbis.ogg -ar 16000 -ac 1 -c:a libvorbis -q:a 0
make_seed seed.opus.ogg -ar 48000 -ac 1 -c:a libopus -b:a 16k
make_seed seed.flac.ogg -ar 8000 -ac 1 -c:a flac -f ogg
make_seed seed.flac -ar 8000 -ac 1 -c:a flac
make_seed seed.webm -ar 48000 -ac 1 -c:a libopus -b:a 16k
# The encoder leaves eight kilobytes of padding, in which damage would change nothing.
node -e '
  const { readFileSync, writeFileSync } = require("node:fs");
  const [, path] = process.argv, bytes = readFileSync(path), head = bytes.subarray(0, 42);
  let end = 42;
  for (let last = false; !last; end += 4 + bytes.readUIntBE(end + 1, 3)) last = bytes[end] >= 128;
  head[4] |= 128;
  writeFileSync(path, Buffer.concat([head, bytes.subarray(end)]));
' "$out/seeds/seed.flac"
make_seed seed.aac -ar 16000 -ac 1 -c:a aac -b:a 24k -f adts
make_seed seed.aiff -ar 8000 -ac 1 -c:a pcm_s16be
