"""What bf16 saves on this processor: forward and backward of encoders in float32 and in bf16, interleaved, one thread, processor time. Writes results/amp_speed.csv, a row an encoder.

    python nbs/benchmarks/precision.py      # half a minute
"""
import csv, time
from pathlib import Path
from statistics import median

import torch
from loss import processor
from sigmoid_cl.networks import build_encoder

ENCODERS = ('convnet', 8, 1, 256), ('convnet', 32, 3, 64), ('resnet8_w16', 24, 3, 128), ('resnet8_w40', 24, 3, 128), ('resnet18_w32', 32, 3, 32), ('resnet18', 32, 3, 32), ('torchvision.mobilenet_v3_small', 64, 3, 32), ('torchvision.efficientnet_b0', 64, 3, 32) # name, side, channels, images


def seconds(net, x, amp):
    start = time.process_time()
    with torch.autocast('cpu', torch.bfloat16, enabled=amp): y = net(x)
    y.float().sum().backward()
    net.zero_grad()
    return time.process_time()-start


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for name, side, channels, n in ENCODERS:
        net = build_encoder(name, channels, side).to(memory_format=torch.channels_last)
        x = torch.rand(n, channels, side, side).contiguous(memory_format=torch.channels_last)
        times = [(seconds(net, x, False), seconds(net, x, True)) for _ in range(10)][1:]
        rows.append(dict(encoder=name, size=side, images=n, float32=round(median(a for a, _ in times), 5), bf16=round(median(b for _, b in times), 5), ratio=round(median(a/b for a, b in times), 2), processor=processor()))
        print(rows[-1], flush=True)
    with (Path(__file__).resolve().parents[2]/'results'/'amp_speed.csv').open('w', newline='') as f:
        w = csv.DictWriter(f, rows[0])
        w.writeheader(); w.writerows(rows)


if __name__ == '__main__': main()
