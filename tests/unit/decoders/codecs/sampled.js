// Batches of samples, dated back from the time of reception: the main values need recvTime.
let SAMPLE_SECONDS = 600;
const decodeUplink = (input) => {
  const samples = [];
  for (let at = 0; at + 1 < input.bytes.length; at += 2) {
    const age = (input.bytes.length / 2 - 1 - at / 2) * SAMPLE_SECONDS;
    const when = new Date(input.recvTime.getTime() - age * 1000);
    samples.push({ date: when.toISOString(), value: ((input.bytes[at] << 8) | input.bytes[at + 1]) / 100 });
  }
  if (input.recvTime.getFullYear() < 2000) return { errors: ["clock"] };
  return { data: { samples: samples } };
};
