"""Rows of the zoo's table: models that look at pictures."""

import dlnb as dl

from .row import Row, learned


def rows() -> list[Row]:
    """In the order of the table."""
    vision = dl.vision
    return [
        learned("digits, five splits", lambda seed: vision.digits(seed=seed, batch_size=128), "LeNet", {"accuracy": 0.985}, 10, seeds=5, said="batches of 128", lr=7e-3, epochs=30),
        learned("MNIST's 10,000", lambda seed: vision.mnist(), "LeNet", {"accuracy": 0.985}, 60, lr=3e-3, epochs=4),
        learned("scenes, detection", lambda seed: vision.scenes_detection(scenes=2100), "Detector", {"AP50": 0.9, "AP": 0.6}, 60, said="2,100 scenes", muon=0.05, others=3e-3, epochs=4),
        learned("scenes, segmentation", lambda seed: vision.scenes_segmentation(scenes=1350), "UNet", {"mean IoU": 0.85}, 60, said="1,350 scenes", muon=0.05, others=4e-3, epochs=3),
        learned("Penn-Fudan, detection", lambda seed: vision.penn_fudan_detection(), "Detector", {"AP50": 0.55}, 180, muon=0.05, others=3e-3, epochs=40),
        learned("Penn-Fudan, segmentation", lambda seed: vision.penn_fudan_segmentation(), "UNet", {"IoU person": 0.7}, 180, muon=0.05, others=4e-3, epochs=45),
        learned("ORL faces, ten people never seen, five splits", lambda seed: vision.orl_faces(seed=seed), "FaceNet", {"area under ROC": 0.98}, 60, seeds=5, lr=2e-3, epochs=32),
    ]  # fmt: skip
