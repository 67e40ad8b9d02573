"""The other families of densities, beside mixtures and scores: what each can say, and what it cannot.

============== ================== =================== =====================
family         log p(x)           sampling            trained by
============== ================== =================== =====================
autoregressive exact              one D at a time     likelihood
VAE            a lower bound      one pass            the bound
flow           exact              one pass            likelihood
GAN            none               one pass            a second network
MMD            none               one pass            a distance of samples
============== ================== =================== =====================
"""

from course.families.adversarial import Generator, mmd_loss, train_gan
from course.families.autoregressive import Autoregressive
from course.families.flow import Flow
from course.families.likelihood import likelihood_loss
from course.families.variational import VAE, elbo_loss

__all__ = ["VAE", "Autoregressive", "Flow", "Generator", "elbo_loss", "likelihood_loss", "mmd_loss", "train_gan"]
