"""The study of one claim: does attentive pooling with learnable norms beat attention?"""
